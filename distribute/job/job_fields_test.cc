// The guide's table of fields is made from the comments of proto/job.proto, and those tell the
// truth about defaults.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "distribute/job/job_file.h"
#include "distribute/job/message_fields.h"

namespace stator::distribute {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// A field as its comment describes it.
struct Row {
  std::string path;
  const FieldDescriptor* field;
  std::string meaning;
  std::string unit;
  std::string default_text;
};

template <typename Thing>
std::string CommentOf(const Thing& thing) {
  google::protobuf::SourceLocation location;
  if (!thing.GetSourceLocation(&location)) return "";
  const std::vector<std::string> words =
      absl::StrSplit(location.leading_comments, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  return absl::StrJoin(words, " ");
}

// Takes what stands between `mark` and the sentence's end out of `text`.
std::string Take(const std::string& mark, std::string* text) {
  const size_t at = text->find(mark);
  if (at == std::string::npos) return "";
  size_t end = text->find(". ", at);
  if (end == std::string::npos) end = text->rfind('.');
  const std::string taken = text->substr(at + mark.size(), end - at - mark.size());
  text->erase(at, end + 2 - at);
  return taken;
}

std::string ValuesOf(const EnumDescriptor& type) {
  std::string text;
  for (int i = 1; i < type.value_count(); ++i) {
    absl::StrAppend(&text, " `", EnumName(*type.value(i)), "`: ", CommentOf(*type.value(i)));
  }
  return text;
}

void AddRows(const Descriptor& type, const std::string& path, std::vector<Row>* rows) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    Row row = {FieldPath(path, field.name()), &field, CommentOf(field), "", ""};
    row.default_text = Take("Default: ", &row.meaning);
    row.unit = Take("Unit: ", &row.meaning);
    row.meaning = std::string(absl::StripAsciiWhitespace(row.meaning));
    if (field.enum_type() != nullptr) row.meaning += ValuesOf(*field.enum_type());
    rows->push_back(row);
    if (field.message_type() != nullptr && !field.is_map()) {
      AddRows(*field.message_type(), row.path, rows);
    }
  }
}

std::string TypeOf(const FieldDescriptor& field) {
  if (field.enum_type() != nullptr) return "a name";
  if (field.is_map()) return "a map";
  if (!field.is_repeated() && field.message_type() != nullptr) return "a section";
  return ExpectedType(field);
}

class JobFieldsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // Unlike the message in the program, this one has its comments.
    std::ifstream input("distribute/job/job_descriptor.pb", std::ios::binary);
    google::protobuf::FileDescriptorSet files;
    ASSERT_TRUE(files.ParseFromIstream(&input));
    ASSERT_EQ(files.file_size(), 1);
    const google::protobuf::FileDescriptor* file = pool_.BuildFile(files.file(0));
    ASSERT_NE(file, nullptr);
    AddRows(*file->FindMessageTypeByName("Job"), "", &rows_);
  }

  google::protobuf::DescriptorPool pool_;
  std::vector<Row> rows_;
};

TEST_F(JobFieldsTest, EveryFieldIsDescribed) {
  ASSERT_GT(rows_.size(), 50u);
  for (const Row& row : rows_) {
    EXPECT_TRUE(absl::EndsWith(row.meaning, ".") || absl::EndsWith(row.meaning, "needed"))
        << row.path << ": " << row.meaning;
    EXPECT_EQ(row.default_text.empty(), TypeOf(*row.field) == "a section") << row.path;
  }
}

TEST_F(JobFieldsTest, TheGuideHasThisTable) {
  std::string table = "| field | holds | meaning | default |\n| --- | --- | --- | --- |\n";
  for (const Row& row : rows_) {
    absl::StrAppend(&table, "| `", row.path, "` | ", TypeOf(*row.field),
                    row.unit.empty() ? "" : absl::StrCat(", ", row.unit), " | ", row.meaning, " | ",
                    row.default_text.empty() ? "–" : row.default_text, " |\n");
  }
  std::ifstream file("docs/clusters.md");
  std::stringstream guide;
  guide << file.rdbuf();
  EXPECT_TRUE(absl::StrContains(guide.str(), table)) << "docs/clusters.md should have this table:\n"
                                                     << table;
}

// The value of a resolved job's field, as people write it.
std::string ValueOf(const Message& job, const std::string& path) {
  const Message* message = &job;
  const std::vector<std::string> names = absl::StrSplit(path, '.');
  for (size_t i = 0; i + 1 < names.size(); ++i) {
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(names[i]);
    message = &message->GetReflection()->GetMessage(*message, field);
  }
  const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(names.back());
  const google::protobuf::Reflection& reflection = *message->GetReflection();
  if (field->is_repeated()) {
    return reflection.FieldSize(*message, field) == 0 ? "none" : "some";
  }
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection.GetInt32(*message, field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(reflection.GetInt64(*message, field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return absl::StrCat(reflection.GetDouble(*message, field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumName(*reflection.GetEnum(*message, field));
    default: {
      const std::string text = reflection.GetString(*message, field);
      return text.empty() ? "empty" : text;
    }
  }
}

TEST_F(JobFieldsTest, DefaultsAreAsDescribed) {
  JobOverrides overrides;
  overrides.environment = nullptr;
  const absl::StatusOr<Job> job = ParseJob("program: {binary: p}", "NAME.yaml", overrides);
  ASSERT_TRUE(job.ok()) << job.status();
  // Those that depend on other fields are told in words.
  const std::set<std::string> in_words = {"name",
                                          "program.binary",
                                          "program.signatures.train",
                                          "program.signatures.evaluate",
                                          "program.signatures.initialize",
                                          "strategy.kind",
                                          "strategy.virtual_replicas",
                                          "checkpoint.directory",
                                          "network.interface",
                                          "engine.name"};
  int checked = 0;
  for (const Row& row : rows_) {
    if (row.default_text.empty() || in_words.count(row.path) > 0) continue;
    const std::string stated = row.default_text.substr(0, row.default_text.find(" ("));
    EXPECT_EQ(ValueOf(*job, row.path), stated) << row.path;
    ++checked;
  }
  EXPECT_GT(checked, 30);
}

}  // namespace
}  // namespace stator::distribute
