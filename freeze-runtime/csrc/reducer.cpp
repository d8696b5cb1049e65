// The averaging of gradients while the backward pass runs: c10d's Reducer, which is the engine of
// DistributedDataParallel.

#include <c10/util/Exception.h>
#include <torch/csrc/distributed/c10d/reducer.hpp>

#include <algorithm>

#include "group.h"
#include "shim.h"

class OverlappingReducer : public c10d::Reducer {
 public:
  using c10d::Reducer::Reducer;

  // Counts the parameters that have a gradient as used: earlier backward passes, in which nothing is averaged,
  // may have used them before there were hooks.
  void count_used() {
    if (!find_unused_parameters_) return;
    for (size_t i = 0; i < params_.size(); i++) {
      if (params_[i].grad().defined()) local_used_map_[static_cast<int64_t>(i)] = 1;
    }
  }

  // Forgets in which order gradients have come. Other buckets would add the ranks' numbers up in another order,
  // so that a run that resumes would have other bits.
  void keep_buckets() {
    rebuilt_params_.clear();
    rebuilt_param_indices_.clear();
  }
};

namespace {

// Says nothing: the Reducer warns that all parameters are used, each time that it is made.
class Silence : public c10::WarningHandler {
 public:
  void process(const c10::Warning&) override {}
};

// Takes the gradients off parameters, and gives them back in the end.
class HiddenGradients {
 public:
  explicit HiddenGradients(const Tensors& parameters) : parameters(parameters) {
    for (const at::Tensor& parameter : parameters) {
      gradients.push_back(parameter.grad());
      parameter.mutable_grad().reset();
    }
  }

  ~HiddenGradients() {
    for (size_t i = 0; i < gradients.size(); i++) parameters[i].mutable_grad() = gradients[i];
  }

  HiddenGradients(const HiddenGradients&) = delete;
  HiddenGradients& operator=(const HiddenGradients&) = delete;

 private:
  const Tensors& parameters;
  Tensors gradients;
};

}  // namespace

extern "C" struct Reduction {
  std::unique_ptr<OverlappingReducer> reducer;
};

extern "C" {

// Averages the gradients of parameters in backward passes that freeze_reduction_prepare has announced, as
// long as it exists.
char* freeze_reduction_new(const Group* group, List parameters, bool finds_unused, Reduction** reduction) {
  return guarded([&] {
    const Tensors all = collect(parameters);
    const std::vector<bool> are_sparse(all.size(), false);
    const size_t first = c10d::kDefaultFirstBucketBytes;
    const size_t bytes = c10d::kDefaultBucketBytesCap;
    auto buckets = std::get<0>(c10d::compute_bucket_assignment_by_size(all, {first, bytes}, are_sparse));
    // Gradients come from the last layers first.
    std::reverse(buckets.begin(), buckets.end());
    // It takes gradients that it finds into its buckets, and then divides them there; later ones it multiplies on
    // the way. A run that resumes would have other bits.
    const HiddenGradients hidden(all);
    *reduction = new Reduction{std::make_unique<OverlappingReducer>(
        all, buckets, group->processes, are_sparse, static_cast<int64_t>(bytes), finds_unused,
        /*gradient_as_bucket_view=*/true, std::unordered_map<size_t, std::string>(), static_cast<int64_t>(first),
        /*skip_all_reduce_unused_params=*/false, /*use_python_reducer=*/false, std::vector<int64_t>())};
  });
}

void freeze_reduction_free(Reduction* reduction) { delete reduction; }

// Announces the backward pass from a loss.
char* freeze_reduction_prepare(const Reduction* reduction, const at::Tensor* loss) {
  return guarded([&] {
    Silence silence;
    c10::WarningUtils::WarningHandlerGuard guard(&silence);
    at::AutoGradMode enabled(true);
    reduction->reducer->keep_buckets();
    reduction->reducer->prepare_for_backward({*loss});
    reduction->reducer->count_used();
  });
}

// Fails unless all gradients of the last such pass are averaged.
char* freeze_reduction_check(const Reduction* reduction) {
  return guarded([&] { reduction->reducer->check_finalized(); });
}

// The bytes that all of its buckets have.
char* freeze_reduction_bytes(const Reduction* reduction, uint64_t* bytes) {
  return guarded([&] {
    *bytes = 0;
    for (const auto& bucket : reduction->reducer->get_grad_buckets()) *bytes += bucket.getBuffer().nbytes();
  });
}

}  // extern "C"
