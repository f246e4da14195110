// Files that TensorFlow wrote: each parses, prints as text, and comes back whole.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "proto/graph.pb.h"
#include "proto/graph_debug_info.pb.h"
#include "proto/meta_graph.pb.h"
#include "proto/op_def.pb.h"
#include "proto/saved_model.pb.h"
#include "proto/serialize.h"
#include "proto/tensorflow_ops_for_test.h"

namespace stator {
namespace {

namespace fs = std::filesystem;
using google::protobuf::Message;

// The message that a file holds; null for a format of another project.
std::unique_ptr<Message> MessageFor(const fs::path& path) {
  const std::string name = path.filename();
  const std::string folder = path.string();
  if (folder.find("/onnx_") != std::string::npos) return nullptr;
  if (name == "schema.pbtxt") return nullptr;  // TensorFlow Metadata's
  if (name == "ops.pbtxt") return nullptr;     // an OpList, below
  if (name == "saved_model.pb" || name == "saved_model.pbtxt")
    return std::make_unique<SavedModel>();
  if (name == "saved_model_debug_info.pb") return std::make_unique<GraphDebugInfo>();
  const std::string extension = path.extension();
  if (extension == ".meta") return std::make_unique<MetaGraphDef>();
  if (extension == ".pb" || extension == ".pbtxt") return std::make_unique<GraphDef>();
  return nullptr;
}

std::vector<fs::path> Files() {
  std::vector<fs::path> files;
  const char* root = std::getenv("STATOR_TEST_DATA");
  if (root == nullptr) return files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_regular_file() && MessageFor(entry.path()) != nullptr) {
      files.push_back(entry.path());
    }
  }
  return files;
}

std::string Content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST(Compatibility, FilesRoundTrip) {
  const std::vector<fs::path> files = Files();
  if (files.empty()) GTEST_SKIP() << "STATOR_TEST_DATA is not set";
  EXPECT_GT(files.size(), 300u);
  for (const fs::path& path : files) {
    SCOPED_TRACE(path.string());
    const std::string content = Content(path);
    const bool is_text = DetectEncoding(path.string(), content) == Encoding::kText;
    std::unique_ptr<Message> message = MessageFor(path);
    const absl::Status status =
        is_text ? ParseText(content, {}, message.get()) : ParseBinary(content, {}, message.get());
    ASSERT_TRUE(status.ok()) << status;

    const std::string bytes = *SerializeDeterministic(*message);
    std::unique_ptr<Message> again = MessageFor(path);
    ASSERT_TRUE(ParseBinary(bytes, {}, again.get()).ok());
    EXPECT_EQ(*SerializeDeterministic(*again), bytes);
    // The writer's order of map entries differs from ours; nothing may be lost or added.
    if (!is_text) {
      EXPECT_EQ(bytes.size(), content.size());
    }

    std::unique_ptr<Message> from_text = MessageFor(path);
    const absl::Status text = ParseText(PrintText(*message), {}, from_text.get());
    ASSERT_TRUE(text.ok()) << text;
    EXPECT_EQ(*SerializeDeterministic(*from_text), bytes);
  }
}

TEST(Compatibility, EveryOpOfTheRegistryRoundTrips) {
  const absl::StatusOr<OpList> ops = ReadTensorFlowOps();
  if (absl::IsNotFound(ops.status())) GTEST_SKIP() << ops.status();
  ASSERT_TRUE(ops.ok()) << ops.status();
  EXPECT_GT(ops->op_size(), 1000);
  OpList again;
  ASSERT_TRUE(ParseText(PrintText(*ops), {}, &again).ok());
  EXPECT_EQ(*SerializeDeterministic(again), *SerializeDeterministic(*ops));
}

}  // namespace
}  // namespace stator
