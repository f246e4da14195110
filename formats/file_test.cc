#include "formats/file.h"

#include <dirent.h>
#include <gtest/gtest.h>

#include <set>

namespace stator::formats {
namespace {

std::set<std::string> Names(const std::string& folder) {
  std::set<std::string> names;
  DIR* dir = opendir(folder.c_str());
  while (const dirent* entry = readdir(dir)) names.insert(entry->d_name);
  closedir(dir);
  names.erase(".");
  names.erase("..");
  return names;
}

std::string Folder(const char* name) {
  const std::string folder = testing::TempDir() + "/" + name;
  EXPECT_EQ(system(("rm -rf " + folder + " && mkdir -p " + folder).c_str()), 0);
  return folder;
}

TEST(AtomicFile, AppearsOnlyWhenCommitted) {
  const std::string folder = Folder("commit");
  auto file = AtomicFile::Create(folder + "/a");
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Append("hello ").ok());
  ASSERT_TRUE(file->Append(std::string(1 << 20, 'x')).ok());
  ASSERT_TRUE(file->Append("end").ok());
  EXPECT_EQ(Names(folder).count("a"), 0u);
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(Names(folder), std::set<std::string>{"a"});
  auto bytes = ReadFile(folder + "/a", 2 << 20);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(*bytes, "hello " + std::string(1 << 20, 'x') + "end");
}

TEST(AtomicFile, LeavesTheOldFileWhenDropped) {
  const std::string folder = Folder("drop");
  ASSERT_TRUE(WriteFileAtomically(folder + "/a", "old").ok());
  {
    auto file = AtomicFile::Create(folder + "/a");
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->Append("new").ok());
    ASSERT_TRUE(file->Sync().ok());
  }
  EXPECT_EQ(*ReadFile(folder + "/a", 100), "old");
  EXPECT_EQ(Names(folder), std::set<std::string>{"a"});
}

TEST(AtomicFile, ManyWritersDoNotCollide) {
  const std::string folder = Folder("many");
  auto first = AtomicFile::Create(folder + "/a");
  auto second = AtomicFile::Create(folder + "/a");
  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_TRUE(first->Append("first").ok());
  ASSERT_TRUE(second->Append("second").ok());
  ASSERT_TRUE(second->Commit().ok());
  ASSERT_TRUE(first->Commit().ok());
  EXPECT_EQ(*ReadFile(folder + "/a", 100), "first");
}

TEST(ReadFile, NamesThePathAndKeepsTheBound) {
  const std::string folder = Folder("read");
  const auto missing = ReadFile(folder + "/none", 10);
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(missing.status().message().find(folder + "/none"), absl::string_view::npos);
  ASSERT_TRUE(WriteFileAtomically(folder + "/long", std::string(11, 'x')).ok());
  EXPECT_EQ(ReadFile(folder + "/long", 10).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(ReadFile(folder + "/long", 11).ok());
  EXPECT_FALSE(WriteFileAtomically(folder + "/no/such", "x").ok());
}

}  // namespace
}  // namespace stator::formats
