// Datasets that read memory and files.

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "data/dataset.h"
#include "data/mnist.h"
#include "graph/status_macros.h"
#include "runtime/session/status.h"

namespace stator::data {
namespace {

using runtime::Tensor;

class Arrays : public Dataset {
 public:
  explicit Arrays(std::vector<Tensor> arrays) : arrays_(std::move(arrays)) {}

  int64_t size() const override { return arrays_[0].dims()[0]; }

  absl::StatusOr<Element> Get(int64_t epoch, int64_t position) const override {
    Element element;
    for (const Tensor& array : arrays_) {
      std::vector<int64_t> dims(array.dims().begin() + 1, array.dims().end());
      const int64_t count = array.num_elements() / size();
      if (array.is_string()) {
        const auto begin = array.strings().begin() + position * count;
        STATOR_ASSIGN_OR_RETURN(Tensor part, runtime::ToAbsl(Tensor::FromStrings(
                                                 std::move(dims), {begin, begin + count})));
        element.push_back(std::move(part));
        continue;
      }
      const int64_t bytes = array.bytes() / size();
      STATOR_ASSIGN_OR_RETURN(Tensor part, runtime::ToAbsl(Tensor::FromBytes(
                                               array.dtype(), std::move(dims),
                                               array.data<char>() + position * bytes, bytes)));
      element.push_back(std::move(part));
    }
    return element;
  }

 private:
  std::vector<Tensor> arrays_;
};

class Images : public Dataset {
 public:
  explicit Images(std::shared_ptr<const LabeledImages> images) : images_(std::move(images)) {}

  int64_t size() const override { return images_->count; }

  absl::StatusOr<Element> Get(int64_t epoch, int64_t position) const override {
    STATOR_ASSIGN_OR_RETURN(Tensor image,
                            runtime::ToAbsl(Tensor::Create(runtime::DType::kFloat32,
                                                           {images_->height, images_->width, 1})));
    STATOR_ASSIGN_OR_RETURN(Tensor label,
                            runtime::ToAbsl(Tensor::Create(runtime::DType::kInt32, {})));
    const uint8_t* const pixels = images_->pixels.data() + position * image.num_elements();
    for (int64_t i = 0; i < image.num_elements(); ++i) {
      image.data<float>()[i] = pixels[i] * (1.0f / 255.0f);
    }
    *label.data<int32_t>() = images_->labels[static_cast<size_t>(position)];
    return Element{std::move(image), std::move(label)};
  }

 private:
  std::shared_ptr<const LabeledImages> images_;
};

class TfRecords : public Dataset {
 public:
  explicit TfRecords(std::vector<formats::TfRecordFile> files) : files_(std::move(files)) {
    for (const formats::TfRecordFile& file : files_) {
      begins_.push_back(size_);
      size_ += file.count();
    }
  }

  int64_t size() const override { return size_; }

  absl::StatusOr<Element> Get(int64_t epoch, int64_t position) const override {
    // The last file that begins at or before it; empty ones begin where the next does.
    const auto after = std::upper_bound(begins_.begin(), begins_.end(), position);
    const size_t file = static_cast<size_t>(after - begins_.begin()) - 1;
    STATOR_ASSIGN_OR_RETURN(std::string record, files_[file].Read(position - begins_[file]));
    STATOR_ASSIGN_OR_RETURN(Tensor tensor,
                            runtime::ToAbsl(Tensor::FromStrings({}, {std::move(record)})));
    return Element{std::move(tensor)};
  }

 private:
  std::vector<formats::TfRecordFile> files_;
  std::vector<int64_t> begins_;
  int64_t size_ = 0;
};

using PlaceFunction = std::function<absl::StatusOr<Element>(int64_t epoch, int64_t position)>;

class Computed : public Dataset {
 public:
  Computed(int64_t size, PlaceFunction function) : size_(size), function_(std::move(function)) {}

  int64_t size() const override { return size_; }
  absl::StatusOr<Element> Get(int64_t epoch, int64_t position) const override {
    return function_(epoch, position);
  }

 private:
  int64_t size_;
  PlaceFunction function_;
};

}  // namespace

absl::StatusOr<DatasetRef> FromArrays(std::vector<Tensor> arrays) {
  if (arrays.empty()) return absl::InvalidArgumentError("a dataset needs at least one array");
  for (size_t i = 0; i < arrays.size(); ++i) {
    const std::vector<int64_t>& dims = arrays[i].dims();
    if (!arrays[i].valid() || dims.empty() || dims[0] < 1 || dims[0] != arrays[0].dims()[0]) {
      return absl::InvalidArgumentError(
          absl::StrCat("array ", i,
                       " of a dataset: expected a first dimension that is positive and equal for "
                       "all, found ",
                       arrays[i].TypeToString(), " beside ", arrays[0].TypeToString()));
    }
  }
  return std::make_shared<Arrays>(std::move(arrays));
}

absl::StatusOr<DatasetRef> FromImages(std::shared_ptr<const LabeledImages> images) {
  if (images->count < 1) return absl::InvalidArgumentError("a dataset of no images");
  return std::make_shared<Images>(std::move(images));
}

absl::StatusOr<DatasetRef> FromTfRecords(const std::vector<std::string>& paths,
                                         const formats::TfRecordOptions& options) {
  std::vector<formats::TfRecordFile> files;
  int64_t count = 0;
  for (const std::string& path : paths) {
    STATOR_ASSIGN_OR_RETURN(formats::TfRecordFile file, formats::TfRecordFile::Open(path, options));
    count += file.count();
    files.push_back(std::move(file));
  }
  if (count == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("no records in ", paths.size(), " file(s)",
                     paths.empty() ? "" : absl::StrCat(", the first ", paths[0])));
  }
  return std::make_shared<TfRecords>(std::move(files));
}

absl::StatusOr<DatasetRef> FromFunction(int64_t size, PlaceFunction function) {
  if (size < 1) return absl::InvalidArgumentError("a dataset of no elements");
  return std::make_shared<Computed>(size, std::move(function));
}

}  // namespace stator::data
