#ifndef STATOR_PROTO_SERIALIZE_H_
#define STATOR_PROTO_SERIALIZE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

// Messages as bytes and as text. All functions may be called from any thread.

namespace stator {

// What a parser accepts. Files and requests come from strangers: ask for no more than is plausible.
struct ParseLimits {
  int64_t max_bytes = (int64_t{1} << 31) - 1;  // protobuf's own limit
  int max_depth = 100;                         // nested messages
};

enum class Encoding { kBinary, kText };

// Bytes of `message`: map entries sorted by key and fields in number order, so equal messages give
// equal bytes. Unknown fields are included. kResourceExhausted when they would pass protobuf's 2
// GiB.
absl::StatusOr<std::string> SerializeDeterministic(const google::protobuf::Message& message);

// Text form of `message` (.pbtxt), map entries sorted by key. Unknown fields are shown by number,
// for the eye only: ParseText rejects them, naming their line.
std::string PrintText(const google::protobuf::Message& message);

// Replaces the content of `message`. kInvalidArgument names the message type and, for text, the
// line and column; kResourceExhausted means that a limit was passed. On error `message` holds
// nothing useful.
absl::Status ParseBinary(absl::string_view bytes, const ParseLimits& limits,
                         google::protobuf::Message* message);
absl::Status ParseText(absl::string_view text, const ParseLimits& limits,
                       google::protobuf::Message* message);

// Decides by the extension of `name` (.pb is binary; .pbtxt, .textproto, .prototxt are text), else
// by the content: text holds no control characters but white space.
Encoding DetectEncoding(absl::string_view name, absl::string_view content);

// Reads the whole file and parses it in the encoding that DetectEncoding finds. Errors name the
// file; kNotFound when there is none. The file's size is checked before it is read.
absl::Status ParseFile(const std::string& path, const ParseLimits& limits,
                       google::protobuf::Message* message);

}  // namespace stator

#endif  // STATOR_PROTO_SERIALIZE_H_
