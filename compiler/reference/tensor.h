#ifndef STATOR_COMPILER_REFERENCE_TENSOR_H_
#define STATOR_COMPILER_REFERENCE_TENSOR_H_

// Host tensors of the reference interpreter, and the budget that bounds what a program may use.

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "executable/dtype.h"

namespace stator::compiler::reference {

using executable::DType;
using Shape = std::vector<int64_t>;

// Bytes in use by live tensors of one budget. Not thread-safe.
struct ByteMeter {
  int64_t used = 0;
};

// Elements in row-major order. Copies share the elements; only the function that allocated a tensor
// writes to it, before anyone else sees it.
class Tensor {
 public:
  Tensor() = default;

  DType dtype() const { return dtype_; }
  const Shape& dims() const { return dims_; }
  int64_t rank() const { return static_cast<int64_t>(dims_.size()); }
  int64_t num_elements() const { return num_elements_; }
  int64_t element_size() const { return executable::DTypeSize(dtype_); }
  int64_t num_bytes() const { return num_elements_ * element_size(); }

  const char* data() const { return storage_ ? storage_->bytes.data() : nullptr; }
  char* mutable_data() { return storage_ ? storage_->bytes.data() : nullptr; }
  template <typename T>
  const T* As() const {
    return reinterpret_cast<const T*>(data());
  }
  template <typename T>
  T* MutableAs() {
    return reinterpret_cast<T*>(mutable_data());
  }

  // The same elements under other dimensions with the same product.
  Tensor WithDims(Shape dims) const;

 private:
  friend class Budget;

  struct Storage {
    explicit Storage(std::shared_ptr<ByteMeter> meter) : meter(std::move(meter)) {}
    ~Storage() { meter->used -= static_cast<int64_t>(bytes.size()); }
    std::shared_ptr<ByteMeter> meter;
    std::vector<char> bytes;
  };

  DType dtype_ = DType::kInvalid;
  Shape dims_;
  int64_t num_elements_ = 0;
  std::shared_ptr<Storage> storage_;
};

// What a run may use. Everything that allocates or loops goes through one, so that no program,
// however hostile, runs or grows without end. Not thread-safe.
class Budget {
 public:
  struct Limits {
    int64_t bytes = int64_t{4} << 30;         // of live tensors
    int64_t work = int64_t{200} << 30;        // elements produced and multiplications in sums
    int64_t operations = int64_t{100} << 20;  // operations executed
  };

  Budget() : Budget(Limits()) {}
  explicit Budget(const Limits& limits) : limits_(limits), meter_(std::make_shared<ByteMeter>()) {}

  // Zeros. InvalidArgument for a negative dimension, ResourceExhausted when over the limit.
  absl::StatusOr<Tensor> Allocate(DType dtype, Shape dims);
  absl::Status ChargeWork(int64_t amount);
  absl::Status ChargeOperation();

 private:
  Limits limits_;
  std::shared_ptr<ByteMeter> meter_;
  int64_t work_ = 0;
  int64_t operations_ = 0;
};

// A tensor with these elements, outside any budget.
Tensor MakeTensor(DType dtype, Shape dims, const void* elements);

// InvalidArgument unless all magnitudes are at most 2^30: sizes of windows, paddings and the like,
// so that arithmetic on them cannot overflow (a dimension is at most 2^32).
absl::Status CheckMagnitudes(std::initializer_list<absl::Span<const int64_t>> lists);

// Row-major strides in elements.
Shape StridesOf(const Shape& dims);

// "[2, 3]".
std::string ToString(const Shape& dims);

// Advances a row-major index; false after the last one.
bool NextIndex(const Shape& dims, Shape& index);

// Calls `visit(index)` for every index of the shape, in row-major order.
template <typename Visit>
void ForEachIndex(const Shape& dims, Visit visit) {
  for (int64_t d : dims) {
    if (d == 0) return;
  }
  Shape index(dims.size(), 0);
  do {
    visit(static_cast<const Shape&>(index));
  } while (NextIndex(dims, index));
}

// sum of index[i] * strides[i].
int64_t OffsetOf(const Shape& index, const Shape& strides);

// Copies one element; both tensors have the same element size.
void CopyElement(const Tensor& from, int64_t from_index, Tensor& to, int64_t to_index);

}  // namespace stator::compiler::reference

#endif  // STATOR_COMPILER_REFERENCE_TENSOR_H_
