// Sums over all processes that are part of graphs: the statistics of batch norms.

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

#include "group.h"
#include "shim.h"

namespace {

// The gradient of a sum over processes is the sum of its gradients: each process has a part of the loss.
struct SumBackward : torch::autograd::Node {
  explicit SumBackward(c10::intrusive_ptr<c10d::ProcessGroup> processes) : processes(std::move(processes)) {}

  torch::autograd::variable_list apply(torch::autograd::variable_list&& gradients) override {
    at::NoGradGuard no_grad;
    Tensors total{gradients.at(0).detach().clone(at::MemoryFormat::Contiguous)};
    processes->allreduce(total)->wait();
    return total;
  }

  std::string name() const override { return "SumOverProcesses"; }

  c10::intrusive_ptr<c10d::ProcessGroup> processes;
};

}  // namespace

extern "C" {

// Starts to add a tensor up over all processes. The sum is complete when the collective is.
char* freeze_group_start_sum(const Group* group, const at::Tensor* own, at::Tensor** sum, Collective** collective) {
  return guarded([&] {
    Tensors total{own->detach().clone(at::MemoryFormat::Contiguous)};
    auto started = std::make_unique<Collective>();
    started->add(group->processes->allreduce(total), total.front());
    started->complete = [] {};
    hand_over(total, sum);
    *collective = started.release();
  });
}

// Records in the graph that a sum was made of this process's tensor.
char* freeze_group_record_sum(const Group* group, const at::Tensor* own, const at::Tensor* sum) {
  return guarded([&] {
    if (!own->requires_grad()) return;
    auto node = std::shared_ptr<SumBackward>(new SumBackward(group->processes), torch::autograd::deleteNode);
    node->set_next_edges(torch::autograd::collect_next_edges(*own));
    torch::autograd::set_history(*sum, node);
  });
}

}  // extern "C"
