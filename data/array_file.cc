#include "data/array_file.h"

#include <array>
#include <cstdint>
#include <fstream>
#include <limits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "formats/idx.h"
#include "formats/npy.h"
#include "graph/status_macros.h"
#include "runtime/session/status.h"

namespace stator::data {
namespace {

using runtime::DType;
using runtime::Tensor;

absl::StatusOr<Tensor> MakeTensor(const std::string& path, DType dtype, std::vector<int64_t> dims,
                                  const void* data, size_t bytes) {
  auto tensor =
      runtime::ToAbsl(Tensor::FromBytes(dtype, std::move(dims), data, static_cast<int64_t>(bytes)));
  if (tensor.ok()) return tensor;
  return absl::Status(tensor.status().code(), absl::StrCat(path, ": ", tensor.status().message()));
}

using Copy = void (*)(const Tensor& from, Tensor* to);

template <typename From, typename To>
void CopyElements(const Tensor& from, Tensor* to) {
  const From* const in = from.data<From>();
  To* const out = to->data<To>();
  for (int64_t i = 0; i < from.num_elements(); ++i) out[i] = static_cast<To>(in[i]);
}

template <typename From, typename To>
constexpr bool HoldsAll() {
  using F = std::numeric_limits<From>;
  using T = std::numeric_limits<To>;
  if (T::digits < F::digits || (F::is_signed && !T::is_signed)) return false;
  return F::is_integer || !T::is_integer;
}

template <typename From, typename To>
void Consider(DType to, Copy* copy) {
  if constexpr (HoldsAll<From, To>()) {
    if (to == runtime::DTypeOf<To>()) *copy = &CopyElements<From, To>;
  }
}

template <typename From>
void ConsiderAll(DType from, DType to, Copy* copy) {
  if (from != runtime::DTypeOf<From>()) return;
  Consider<From, int16_t>(to, copy);
  Consider<From, uint16_t>(to, copy);
  Consider<From, int32_t>(to, copy);
  Consider<From, uint32_t>(to, copy);
  Consider<From, int64_t>(to, copy);
  Consider<From, uint64_t>(to, copy);
  Consider<From, float>(to, copy);
  Consider<From, double>(to, copy);
}

// Null where there is none.
Copy FindCopy(DType from, DType to) {
  Copy copy = nullptr;
  ConsiderAll<uint8_t>(from, to, &copy);
  ConsiderAll<int8_t>(from, to, &copy);
  ConsiderAll<uint16_t>(from, to, &copy);
  ConsiderAll<int16_t>(from, to, &copy);
  ConsiderAll<uint32_t>(from, to, &copy);
  ConsiderAll<int32_t>(from, to, &copy);
  ConsiderAll<float>(from, to, &copy);
  return copy;
}

}  // namespace

absl::StatusOr<Tensor> ReadArrayFile(const std::string& path) {
  std::array<unsigned char, 6> start = {};
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(start.data()), start.size());
  if (file.gcount() > 0 && start[0] == 0x93) {
    file.close();
    STATOR_ASSIGN_OR_RETURN(formats::NpyArray array, formats::ReadNpy(path));
    return MakeTensor(path, static_cast<DType>(array.dtype), std::move(array.dims),
                      array.bytes.data(), array.bytes.size());
  }
  const bool idx = (start[0] == 0 && start[1] == 0) || (start[0] == 0x1f && start[1] == 0x8b);
  if (file.gcount() > 0 && !idx) {
    return absl::InvalidArgumentError(
        absl::StrCat(path,
                     ": expected a .npy or IDX file (the latter plain or gzip), which begin "
                     "with other bytes"));
  }
  file.close();
  STATOR_ASSIGN_OR_RETURN(formats::IdxArray array, formats::ReadIdxOrGz(path));
  return MakeTensor(path, DType::kUInt8, std::move(array.dims), array.values.data(),
                    array.values.size());
}

bool CanWiden(DType from, DType to) { return from == to || FindCopy(from, to) != nullptr; }

absl::StatusOr<Tensor> Widen(const Tensor& array, DType dtype) {
  if (array.dtype() == dtype) return array;
  const Copy copy = FindCopy(array.dtype(), dtype);
  if (copy == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("cannot turn ", array.TypeToString(), " into ",
                                                   runtime::TypeText(dtype, array.dims()),
                                                   ", which does not hold all values"));
  }
  STATOR_ASSIGN_OR_RETURN(Tensor wide, runtime::ToAbsl(Tensor::Create(dtype, array.dims())));
  copy(array, &wide);
  return wide;
}

}  // namespace stator::data
