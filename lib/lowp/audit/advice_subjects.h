// SPDX-License-Identifier: Apache-2.0
// What the advice looks at, found out once.
#pragma once

#include <cstddef>
#include <vector>

#include "lowp/audit/flushed_pool.h"
#include "lowp/audit/tensor_kind.h"
#include "lowp/summary/summary.h"

namespace lowp {

// Gradients where any tensor is named like one, else everything but forward tensors. The summary must live as long.
class Subjects {
 public:
  explicit Subjects(const Summary& summary);
  const Summary& summary() const { return summary_; }
  bool named() const { return named_; }  // whether names say gradient
  TensorKind kind(TensorRef ref) const { return facts(ref).kind; }
  bool has(TensorRef ref) const {
    return named_ && facts(ref).counted ? is_gradient(kind(ref)) : kind(ref) != TensorKind::forward;
  }
  bool is_scaled(TensorRef ref) const {  // of those, without the gradient of the loss, which is the scale itself
    return has(ref) && kind(ref) != TensorKind::loss_gradient;
  }
  bool weights(TensorRef ref) const {  // judged by the range criterion
    return any_weights_ ? kind(ref) == TensorKind::weight_gradient : is_scaled(ref);
  }
  std::size_t counted() const { return counted_; }  // tensors of which more is known than the largest magnitude
  std::size_t left_out() const { return left_out_; }
  const FlushedPool& pool() const { return pool_; }                  // of all that is_scaled
  const FlushedPool& weights_pool() const { return weights_pool_; }  // of all weights

  // Calls visit(ref, tensor) for every tensor by step number and name: which of two equals comes first does not depend
  // on their order in a file.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const TensorRef ref : order_) visit(ref, summary_.steps[ref.step].tensors[ref.tensor]);
  }

 private:
  struct Facts {
    TensorKind kind;
    bool counted;  // not a largest magnitude alone
  };
  Facts facts(TensorRef ref) const { return facts_[ref.step][ref.tensor]; }
  void learn(std::size_t step);

  const Summary& summary_;
  std::vector<std::vector<Facts>> facts_;  // by step and tensor
  std::vector<TensorRef> order_;
  FlushedPool pool_, weights_pool_;
  bool named_ = false, any_weights_ = false;
  std::size_t counted_ = 0, left_out_ = 0;
};

}  // namespace lowp
