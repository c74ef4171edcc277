// Batch normalization over the images of all ranks: one collective forward, one backward.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "group.hpp"

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// Runs a collective; the first failure is kept in the group.
template <class Body>
bool collective(group_group* group, Body body) {
  auto keep = [&](const char* message) {
    std::lock_guard<std::mutex> lock(group->mutex);
    if (group->failure.empty()) {
      group->failure = message;
    }
  };
  return twinview::guarded(
      false,
      [&] {
        body(*group->backend);
        return true;
      },
      keep);
}

struct SyncBatchNorm : torch::autograd::Function<SyncBatchNorm> {
  static at::Tensor forward(
      AutogradContext* context,
      const at::Tensor& x,
      const at::Tensor& weight,
      const at::Tensor& bias,
      at::Tensor stats,
      double epsilon,
      int64_t pointer) {
    auto* group = reinterpret_cast<group_group*>(pointer);
    const int64_t channels = x.size(1);
    std::vector<int64_t> over{0}, shape(x.dim(), 1);
    for (int64_t dimension = 2; dimension < x.dim(); ++dimension) {
      over.push_back(dimension);
    }
    shape[1] = channels;
    auto wide = x.to(weight.scalar_type());
    // This rank's mean, squares about it, and number of values. Those of all are put together as
    // by Chan, Golub and LeVeque 1979, so that no digits are lost.
    auto own_mean = wide.mean(over);
    auto own_squares = (wide - own_mean.view(shape)).square().sum(over);
    auto number = at::full({1}, static_cast<double>(x.numel() / channels), own_mean.options());
    auto own = at::cat({own_mean, own_squares, number});
    auto all = at::empty({group->backend->getSize() * own.numel()}, own.options());
    if (!collective(group, [&](c10d::Backend& b) { b._allgather_base(all, own)->wait(); })) {
      all = own;
    }
    all = all.view({-1, 2 * channels + 1});
    auto counts = all.narrow(1, 2 * channels, 1);
    auto count = counts.sum();
    auto means = all.narrow(1, 0, channels);
    auto mean = (means * counts).sum(0) / count;
    auto between = ((means - mean).square() * counts).sum(0);
    auto variance = (all.narrow(1, channels, channels).sum(0) + between) / count;
    stats.copy_(at::cat({mean, variance, count.view({1})}));
    auto inverse = (variance + epsilon).rsqrt();
    context->save_for_backward({x, weight, mean, inverse, count});
    context->saved_data["group"] = pointer;
    auto y = (wide - mean.view(shape)) * (inverse * weight).view(shape) + bias.view(shape);
    return y.to(x.scalar_type());
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    auto saved = context->get_saved_variables();
    auto &x = saved[0], &weight = saved[1], &mean = saved[2], &inverse = saved[3], &count = saved[4];
    auto* group = reinterpret_cast<group_group*>(context->saved_data["group"].toInt());
    std::vector<int64_t> over{0}, shape(x.dim(), 1);
    for (int64_t dimension = 2; dimension < x.dim(); ++dimension) {
      over.push_back(dimension);
    }
    shape[1] = x.size(1);
    auto dy = gradients[0].to(weight.scalar_type());
    auto normalized = (x.to(weight.scalar_type()) - mean.view(shape)) * inverse.view(shape);
    auto own = at::stack({dy.sum(over), (dy * normalized).sum(over)});
    std::vector<at::Tensor> all{own.clone()};
    collective(group, [&](c10d::Backend& b) { b.allreduce(all)->wait(); });
    auto mean_of = all[0] / count;
    auto dx = (dy - mean_of[0].view(shape) - normalized * mean_of[1].view(shape)) *
        (inverse * weight).view(shape);
    // Those of weight and bias are this rank's part: gradients are summed over ranks later.
    return {dx.to(x.scalar_type()), own[1], own[0], {}, {}, {}};
  }
};

} // namespace

void* group_sync_batch_norm(
    group_group* group, void* x, void* weight, void* bias, void* stats, double epsilon) {
  using twinview::tensor;
  return twinview::guarded(static_cast<void*>(nullptr), [&]() -> void* {
    auto y = SyncBatchNorm::apply(
        tensor(x), tensor(weight), tensor(bias), tensor(stats), epsilon,
        reinterpret_cast<int64_t>(group));
    return new at::Tensor(y);
  });
}
