#ifndef STATOR_FORMATS_NPY_H_
#define STATOR_FORMATS_NPY_H_

// NumPy's .npy files, versions 1 to 3:
//
//   "\x93NUMPY"  major, minor  header length (u16, or u32 from version 2 on)  header  elements
//
// where the header is a Python dictionary with 'descr' (element type), 'fortran_order' and 'shape'.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/types.pb.h"

namespace stator::formats {

struct NpyArray {
  DataType dtype = DT_INVALID;
  std::vector<int64_t> dims;
  std::string bytes;  // row major, little-endian, without padding
};

// Integers, floats (16 to 64 bits), bool and complex. NumPy has no bfloat16: a 2-byte void ("V2"),
// which is how Python's ml_dtypes stores it, is read as DT_BFLOAT16. Big-endian and column-major
// files are turned into the form above. A file longer or shorter than its header says is an error;
// memory is bounded by the file's size.
absl::StatusOr<NpyArray> ReadNpy(const std::string& path);
absl::StatusOr<NpyArray> ParseNpy(const std::string& path_for_errors, absl::string_view file);

// The file for an array whose elements are `bytes`. DT_BFLOAT16 is written as "V2".
absl::StatusOr<std::string> SerializeNpy(DataType dtype, const std::vector<int64_t>& dims,
                                         absl::string_view bytes);
absl::Status WriteNpy(const std::string& path, DataType dtype, const std::vector<int64_t>& dims,
                      absl::string_view bytes);

}  // namespace stator::formats

#endif  // STATOR_FORMATS_NPY_H_
