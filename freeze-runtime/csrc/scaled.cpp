// Operations with a factor, as Python calls them. tch lacks them, or rounds otherwise.

#include <ATen/core/Tensor.h>

#include "shim.h"

extern "C" {

char* freeze_mul(const at::Tensor* to, double factor) {
  return guarded([&] { to->mul_(number(factor)); });
}

char* freeze_add(const at::Tensor* to, const at::Tensor* other, double factor) {
  return guarded([&] { to->add_(*other, factor); });
}

char* freeze_addcmul(const at::Tensor* to, const at::Tensor* one, const at::Tensor* other, double factor) {
  return guarded([&] { to->addcmul_(*one, *other, factor); });
}

char* freeze_addcdiv(const at::Tensor* to, const at::Tensor* one, const at::Tensor* other, double factor) {
  return guarded([&] { to->addcdiv_(*one, *other, factor); });
}

}
