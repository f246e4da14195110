#include "ops/io/host.h"

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "formats/tensor_bundle.h"
#include "formats/tensor_slice.h"
#include "graph/status_macros.h"
#include "runtime/core/host_attributes.h"
#include "runtime/core/tensor.h"
#include "runtime/session/status.h"

namespace stator::ops {
namespace {

using executable::DType;
using runtime::FromAbsl;
using runtime::HostCallContext;
using runtime::StringsAttribute;
using runtime::TensorView;
using runtime::ToAbsl;
using runtime::TypeText;
using Sizes = std::vector<int64_t>;

// Both have the numbers of TensorFlow's.
DataType ToDataType(DType dtype) { return static_cast<DataType>(dtype); }
DType ToDType(DataType dtype) { return static_cast<DType>(dtype); }

// What both ops have in front: prefix, tensor_names, shape_and_slices.
struct Request {
  std::string prefix;
  std::vector<std::string> names;
  std::vector<formats::ShapeAndSlice> slices;
};

absl::StatusOr<Request> ReadRequest(const HostCallContext& call, int64_t count) {
  if (call.input(0).num_elements() != 1)
    return absl::InvalidArgumentError("'prefix' must be a scalar");
  Request request;
  request.prefix = call.InputString(0, 0);
  for (int i : {1, 2}) {
    const int64_t found = call.input(i).num_elements();
    if (found != count) {
      return absl::InvalidArgumentError(
          std::string(i == 1 ? "'tensor_names'" : "'shape_and_slices'") + " must have " +
          std::to_string(count) + " elements, one for each tensor, found " + std::to_string(found));
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    request.names.push_back(call.InputString(1, i));
    STATOR_ASSIGN_OR_RETURN(formats::ShapeAndSlice slice,
                            formats::ParseShapeAndSlice(call.InputString(2, i)));
    request.slices.push_back(std::move(slice));
  }
  return request;
}

// SaveV2
// --------------------------------------------------------------------------------------------------

absl::Status AddTensor(const HostCallContext& call, int input, const std::string& name,
                       const formats::ShapeAndSlice& part, formats::BundleWriter* writer) {
  const TensorView& tensor = call.input(input);
  if (tensor.dtype == DType::kString) {
    if (!part.whole) return absl::UnimplementedError("saving a slice of a string tensor");
    std::vector<std::string> values;
    for (int64_t i = 0; i < tensor.num_elements(); ++i)
      values.push_back(call.InputString(input, i));
    return writer->AddStrings(name, tensor.dims, values);
  }
  const int64_t bytes = tensor.num_elements() * executable::DTypeSize(tensor.dtype);
  const absl::string_view data(tensor.as<const char>(), static_cast<size_t>(bytes));
  if (part.whole) return writer->Add(name, ToDataType(tensor.dtype), tensor.dims, data);
  STATOR_ASSIGN_OR_RETURN(const Sizes expected, formats::SliceDims(part.slice, part.dims));
  if (expected != tensor.dims) {
    return absl::InvalidArgumentError(name + ": the slice is " + TypeText(tensor.dtype, expected) +
                                      ", the tensor " + TypeText(tensor.dtype, tensor.dims));
  }
  return writer->AddSlice(name, ToDataType(tensor.dtype), part.dims, part.slice, data);
}

absl::Status Save(HostCallContext* call) {
  const int first = 3;
  STATOR_ASSIGN_OR_RETURN(const Request request, ReadRequest(*call, call->num_inputs() - first));
  STATOR_ASSIGN_OR_RETURN(formats::BundleWriter writer,
                          formats::BundleWriter::Create(request.prefix));
  for (size_t i = 0; i < request.names.size(); ++i) {
    STATOR_RETURN_IF_ERROR(ToAbsl(call->Poll()));
    STATOR_RETURN_IF_ERROR(AddTensor(*call, first + static_cast<int>(i), request.names[i],
                                     request.slices[i], &writer));
  }
  return writer.Finish();
}

// RestoreV2
// -----------------------------------------------------------------------------------------------

// A packed tensor of numbers: dtype and rank, sizes, bytes.
struct PackedHeader {
  int32_t dtype;
  int32_t rank;
};

// A string goes as it is. Its result has no dimensions, so none may be in the file.
absl::StatusOr<std::string> ReadString(const formats::BundleReader& reader, const std::string& name,
                                       const Sizes& dims, const formats::ShapeAndSlice& part) {
  if (!dims.empty() || !part.whole) {
    return absl::UnimplementedError(name + " is " + TypeText(DType::kString, dims) +
                                    " in the checkpoint: of strings, only scalars are restored");
  }
  STATOR_ASSIGN_OR_RETURN(std::vector<std::string> values, reader.ReadStrings(name));
  return std::move(values[0]);
}

absl::StatusOr<std::string> ReadPacked(const formats::BundleReader& reader, const std::string& name,
                                       const formats::ShapeAndSlice& part, int wanted) {
  STATOR_ASSIGN_OR_RETURN(const BundleEntryProto* entry, reader.Find(name));
  Sizes dims;
  for (const auto& dim : entry->shape().dim()) dims.push_back(dim.size());
  const DType dtype = ToDType(entry->dtype());
  if (entry->dtype() != wanted) {
    return absl::InvalidArgumentError(name + " is " + TypeText(dtype, dims) +
                                      " in the checkpoint, 'dtypes' asks for " +
                                      executable::DTypeName(static_cast<DType>(wanted)));
  }
  if (dtype == DType::kString) return ReadString(reader, name, dims, part);
  if (!part.whole) {
    if (part.dims != dims) {
      return absl::InvalidArgumentError(name + " is " + TypeText(dtype, dims) +
                                        " in the checkpoint, the slice is one of " +
                                        TypeText(dtype, part.dims));
    }
    STATOR_ASSIGN_OR_RETURN(dims, formats::SliceDims(part.slice, part.dims));
  }
  int64_t bytes = executable::DTypeSize(dtype);
  for (int64_t size : dims) bytes *= size;
  const PackedHeader header{static_cast<int32_t>(dtype), static_cast<int32_t>(dims.size())};
  const size_t front = sizeof(header) + dims.size() * sizeof(int64_t);
  std::string packed(front + static_cast<size_t>(bytes), '\0');
  std::memcpy(packed.data(), &header, sizeof(header));
  std::memcpy(packed.data() + sizeof(header), dims.data(), dims.size() * sizeof(int64_t));
  const absl::Span<char> out(packed.data() + front, static_cast<size_t>(bytes));
  STATOR_RETURN_IF_ERROR(part.whole ? reader.Read(name, out)
                                    : reader.ReadSlice(name, part.slice, out));
  return packed;
}

absl::Status Restore(HostCallContext* call) {
  const std::vector<std::string> dtypes = StringsAttribute(call->attributes(), "dtypes");
  STATOR_ASSIGN_OR_RETURN(const Request request, ReadRequest(*call, call->num_outputs()));
  if (dtypes.size() != request.names.size()) {
    return absl::InternalError("as many dtypes as outputs expected");
  }
  STATOR_ASSIGN_OR_RETURN(const formats::BundleReader reader,
                          formats::BundleReader::Open(request.prefix));
  for (size_t i = 0; i < request.names.size(); ++i) {
    STATOR_RETURN_IF_ERROR(ToAbsl(call->Poll()));
    STATOR_ASSIGN_OR_RETURN(
        std::string packed,
        ReadPacked(reader, request.names[i], request.slices[i],
                   static_cast<int>(std::strtol(dtypes[i].c_str(), nullptr, 10))));
    call->SetOutputString(static_cast<int>(i), 0, std::move(packed));
  }
  return absl::OkStatus();
}

}  // namespace

void RegisterIoHostFunctions(runtime::HostRegistry* registry) {
  registry->Register("SaveV2", [](HostCallContext* call) { return FromAbsl(Save(call)); });
  registry->Register("RestoreV2", [](HostCallContext* call) { return FromAbsl(Restore(call)); });
}

}  // namespace stator::ops
