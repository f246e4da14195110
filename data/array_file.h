#ifndef STATOR_DATA_ARRAY_FILE_H_
#define STATOR_DATA_ARRAY_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "runtime/core/tensor.h"

namespace stator::data {

// The array in a file: NumPy's .npy, or IDX, plain or gzip (told apart by content; PATH.gz stands
// in where there is no PATH). Errors name the file.
absl::StatusOr<runtime::Tensor> ReadArrayFile(const std::string& path);

// The elements as another type that holds every value of theirs: more digits, and a sign where they
// have one. InvalidArgument where `dtype` does not. Numbers only; the same type is a copy that
// shares the elements.
absl::StatusOr<runtime::Tensor> Widen(const runtime::Tensor& array, runtime::DType dtype);
bool CanWiden(runtime::DType from, runtime::DType to);

}  // namespace stator::data

#endif  // STATOR_DATA_ARRAY_FILE_H_
