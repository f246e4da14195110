#include "proto/serialize.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/text_format.h"

namespace stator {
namespace {

constexpr int64_t kMaxMessageBytes = (int64_t{1} << 31) - 1;

absl::Status CheckSize(int64_t size, const ParseLimits& limits,
                       const google::protobuf::Message& message) {
  const int64_t limit = std::min(limits.max_bytes, kMaxMessageBytes);
  if (size <= limit) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(message.GetTypeName(), ": expected at most ", limit, " bytes, found ", size));
}

// Keeps the first error: later ones are usually its consequences.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& text) override {
    // The parser counts from zero, editors from one; -1 stands for no particular line.
    if (text_.empty()) text_ = absl::StrCat("line ", line + 1, ":", column + 1, ": ", text);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

absl::StatusOr<std::string> SerializeDeterministic(const google::protobuf::Message& message) {
  const size_t size = message.ByteSizeLong();
  if (size > static_cast<size_t>(kMaxMessageBytes)) {
    return absl::ResourceExhaustedError(absl::StrCat(message.GetTypeName(), ": ", size,
                                                     " bytes, but a message holds at most ",
                                                     kMaxMessageBytes));
  }
  std::string bytes;
  bytes.reserve(size);
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeWithCachedSizes(&coded);
  }
  return bytes;
}

std::string PrintText(const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseUtf8StringEscaping(false);
  std::string text;
  printer.PrintToString(message, &text);
  return text;
}

absl::Status ParseBinary(absl::string_view bytes, const ParseLimits& limits,
                         google::protobuf::Message* message) {
  message->Clear();
  if (absl::Status size = CheckSize(bytes.size(), limits, *message); !size.ok()) return size;
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  stream.SetTotalBytesLimit(static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(limits.max_depth);
  if (message->MergePartialFromCodedStream(&stream) && stream.ConsumedEntireMessage()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(message->GetTypeName(),
                   ": not a message of this type: damaged, cut off, or nested deeper than ",
                   limits.max_depth, " (", bytes.size(), " bytes)"));
}

absl::Status ParseText(absl::string_view text, const ParseLimits& limits,
                       google::protobuf::Message* message) {
  message->Clear();
  if (absl::Status size = CheckSize(text.size(), limits, *message); !size.ok()) return size;
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.SetRecursionLimit(limits.max_depth);
  google::protobuf::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  if (parser.Parse(&stream, message)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(message->GetTypeName(), ": ", error.text()));
}

Encoding DetectEncoding(absl::string_view name, absl::string_view content) {
  if (absl::EndsWith(name, ".pb")) return Encoding::kBinary;
  for (absl::string_view extension : {".pbtxt", ".textproto", ".prototxt"}) {
    if (absl::EndsWith(name, extension)) return Encoding::kText;
  }
  // Every message of ours has a field whose tag is a control character (field 1 to 3), early on.
  for (const char c : content.substr(0, 4096)) {
    const bool is_space = c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
    if (static_cast<unsigned char>(c) < 0x20 && !is_space) return Encoding::kBinary;
  }
  return Encoding::kText;
}

absl::Status ParseFile(const std::string& path, const ParseLimits& limits,
                       google::protobuf::Message* message) {
  const auto io_error = [&](absl::string_view what) {
    const std::string text = absl::StrCat(path, ": ", what, ": ", std::strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(text) : absl::UnavailableError(text);
  };
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (file == nullptr) return io_error("cannot open");
  struct stat info;
  if (fstat(fileno(file.get()), &info) != 0) return io_error("cannot read its size");
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": expected a regular file"));
  }
  if (absl::Status size = CheckSize(info.st_size, limits, *message); !size.ok()) {
    return absl::Status(size.code(), absl::StrCat(path, ": ", size.message()));
  }
  std::string content(static_cast<size_t>(info.st_size), '\0');
  if (std::fread(content.data(), 1, content.size(), file.get()) != content.size()) {
    return io_error("cannot read");
  }
  const absl::Status parsed = DetectEncoding(path, content) == Encoding::kText
                                  ? ParseText(content, limits, message)
                                  : ParseBinary(content, limits, message);
  if (parsed.ok()) return parsed;
  return absl::Status(parsed.code(), absl::StrCat(path, ": ", parsed.message()));
}

}  // namespace stator
