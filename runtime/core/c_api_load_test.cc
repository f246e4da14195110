// Models of the C interface: from where they come, and what is refused.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "gtest/gtest.h"
#include "runtime/core/stator_runtime.hpp"
#include "runtime/core/test_c_api.h"

namespace stator_runtime {
namespace {

std::string WriteFile(const std::string& name, const std::string& bytes) {
  const std::string path = testing::TempDir() + "/" + name;
  FILE* f = std::fopen(path.c_str(), "wb");
  EXPECT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), f), bytes.size());
  std::fclose(f);
  return path;
}

float RunChain(const Model& model) {
  Context context = Make(model, Threads(1));
  std::vector<Tensor> out;
  const Error error = context.Run(0, List(Floats({1}), Floats({2})), &out);
  EXPECT_TRUE(error.ok()) << error.message();
  return error.ok() ? out[0].data<float>()[0] : 0;
}

TEST(Load, FileMemoryAndDescriptor) {
  const std::string bytes = Bytes("chain");
  const std::string path = WriteFile("chain.stb", bytes);
  Result<Model> file = Model::LoadFile(path);
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(RunChain(*file), 9);
  // Inside another file: at a multiple of 64 KiB it is mapped, elsewhere copied.
  for (const size_t offset : {size_t{65536}, size_t{4096}, size_t{12345}}) {
    const std::string outer =
        WriteFile("outer", std::string(offset, 'x') + bytes + std::string(100, 'y'));
    const int fd = open(outer.c_str(), O_RDONLY);
    Result<Model> model = Model::LoadFd(fd, offset, bytes.size());
    close(fd);
    ASSERT_TRUE(model.ok()) << model.error().message();
    EXPECT_EQ(RunChain(*model), 9);
  }
}

TEST(Load, RefusesBadDescriptors) {
  const std::string path = WriteFile("chain.stb", Bytes("chain"));
  const int fd = open(path.c_str(), O_RDONLY);
  EXPECT_EQ(Model::LoadFd(fd, 0, 1 << 30).error().code(), STATOR_DATA_LOSS);
  EXPECT_EQ(Model::LoadFd(fd, 1 << 30, 0).error().code(), STATOR_DATA_LOSS);
  EXPECT_EQ(Model::LoadFd(fd, 0, UINT64_MAX).error().code(), STATOR_DATA_LOSS);
  close(fd);
  EXPECT_EQ(Model::LoadFd(-1, 0, 0).error().code(), STATOR_INVALID_ARGUMENT);
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  EXPECT_EQ(Model::LoadFd(pipes[0], 0, 0).error().code(), STATOR_INVALID_ARGUMENT);
  close(pipes[0]);
  close(pipes[1]);
}

TEST(Load, DamageIsFound) {
  std::string bytes = Bytes("chain");
  bytes[200] ^= 1;
  const Result<Model> model = Model::LoadMemory(bytes.data(), bytes.size());
  EXPECT_EQ(model.error().code(), STATOR_DATA_LOSS) << model.error().message();
  EXPECT_EQ(Model::LoadFile("/nowhere/at all").error().code(), STATOR_NOT_FOUND);
}

TEST(Load, RefusesPathsThatAreNoFiles) {
  const std::string pipe = testing::TempDir() + "/pipe.stb";
  unlink(pipe.c_str());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(Model::LoadFile(pipe).error().code(), STATOR_INVALID_ARGUMENT);  // and does not wait
  EXPECT_EQ(Model::LoadFile(testing::TempDir()).error().code(), STATOR_INVALID_ARGUMENT);
}

TEST(Load, ExternalWeightsAreBesideTheFileOrNamed) {
  const std::string bytes = Bytes("external");
  const std::string weights = WriteFile("w.weights", Bytes("external_weights"));
  const auto first_weight = [](const Result<Model>& model) {
    EXPECT_TRUE(model.ok()) << model.error().message();
    return model.ok() ? Values(*State::Create(*model)->Read("w"))[0] : 0;
  };
  LoadOptions options;
  EXPECT_EQ(Model::LoadMemory(bytes.data(), bytes.size()).error().message(),
            "image: its weights are in another file, which only loading by path finds: name it in "
            "the load options (weights_path)");
  options.weights_path = weights;
  EXPECT_EQ(first_weight(Model::LoadMemory(bytes.data(), bytes.size(), options)), 0.5f);
  const std::string path = WriteFile("external.stb", bytes);
  const int fd = open(path.c_str(), O_RDONLY);
  EXPECT_EQ(Model::LoadFd(fd, 0, 0).error().code(), STATOR_FAILED_PRECONDITION);
  EXPECT_EQ(first_weight(Model::LoadFd(fd, 0, 0, options)), 0.5f);
  close(fd);
  unlink((path + ".weights").c_str());
  EXPECT_EQ(Model::LoadFile(path).error().code(), STATOR_NOT_FOUND);
  EXPECT_EQ(first_weight(Model::LoadFile(path, options)), 0.5f);
  WriteFile("external.stb.weights", Bytes("external_weights"));
  EXPECT_EQ(first_weight(Model::LoadFile(path)), 0.5f);
  options.weights_path = WriteFile("other.weights", Bytes("other_weights"));
  EXPECT_FALSE(Model::LoadFile(path, options).ok());
}

TEST(Load, TooLittleAddressSpaceIsResourceExhausted) {
  const int fd = memfd_create("huge", 0);
  ASSERT_GE(fd, 0);
  if (ftruncate(fd, int64_t{1} << 47) != 0) GTEST_SKIP() << "no sparse files of this size";
  const Error error = Model::LoadFd(fd, 0, 0).error();
  EXPECT_EQ(error.code(), STATOR_RESOURCE_EXHAUSTED) << error.message();
  close(fd);
}

TEST(Load, SaysWhatTheMachineForbids) {
  if (geteuid() == 0) GTEST_SKIP() << "nothing is forbidden to root";
  const std::string path = WriteFile("secret.stb", Bytes("chain"));
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  EXPECT_EQ(Model::LoadFile(path).error().code(), STATOR_PERMISSION_DENIED);
}

TEST(Load, SaysWhyNot) {
  const auto load = [](const std::string& bytes) {
    const Error error = Model::LoadMemory(bytes.data(), bytes.size()).error();
    return std::string(stator_code_name(error.code())) + ": " + error.message();
  };
  const std::string bytes = Bytes("chain");
  EXPECT_EQ(load(bytes.substr(0, 100)), "DataLoss: image: 100 bytes are too few");
  EXPECT_EQ(load(bytes.substr(0, 5000)),
            "DataLoss: image: 5000 bytes, the header says " + std::to_string(bytes.size()));
  EXPECT_EQ(load(bytes + "x"), "DataLoss: image: " + std::to_string(bytes.size() + 1) +
                                   " bytes, the header says " + std::to_string(bytes.size()));
  std::string other = bytes;
  other[8] = 9;  // the version of the format
  EXPECT_EQ(load(other), "InvalidArgument: image: version 9.1, this runtime reads 2.1");
  EXPECT_EQ(load("#!" + bytes.substr(2)),
            "InvalidArgument: image: not a Stator image (wrong magic)");
  EXPECT_EQ(load(Bytes("tomorrow")),
            "FailedPrecondition: image: needs CPU feature of-tomorrow, which this runtime does not "
            "know");
}

TEST(Load, LogsAndChecksStructs) {
  LoadOptions options;
  std::string log;
  options.log = [&](int32_t level, const char* message) { log += message; };
  const Model model = Load("chain", std::move(options));
  EXPECT_NE(log.find("made by test 1 for x86_64"), std::string::npos) << log;

  struct {
    stator_load_options known = STATOR_INIT(stator_load_options);
    int64_t later = 0;
  } newer;
  newer.known.struct_size = sizeof(newer);
  const std::string bytes = Bytes("chain");
  stator_model* handle = nullptr;
  stator_error error = STATOR_INIT(stator_error);
  EXPECT_EQ(stator_model_load_memory(bytes.data(), bytes.size(), &newer.known, &handle, &error),
            STATOR_OK);
  stator_model_destroy(handle);
  newer.later = 1;
  EXPECT_EQ(stator_model_load_memory(bytes.data(), bytes.size(), &newer.known, &handle, &error),
            STATOR_UNIMPLEMENTED);
  newer.known.struct_size = 0;
  EXPECT_EQ(stator_model_load_memory(bytes.data(), bytes.size(), &newer.known, &handle, &error),
            STATOR_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "load options: struct_size is 0, expected at least 48");
}

}  // namespace
}  // namespace stator_runtime
