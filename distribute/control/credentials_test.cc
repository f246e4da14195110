#include "distribute/control/credentials.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace stator::distribute {
namespace {

std::string FreshPath(const std::string& name) {
  return absl::StrCat(testing::TempDir(), "/", name, ".", getpid());
}

TEST(SecretTest, IsItsOwnersAlone) {
  const std::string path = FreshPath("secret");
  ASSERT_EQ(WriteNewSecret(path), absl::OkStatus());
  EXPECT_FALSE(WriteNewSecret(path).ok());  // never over an old one
  const auto credentials = ReadSecret(path);
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  EXPECT_EQ(credentials->secret.size(), 32u);
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  const absl::Status status = ReadSecret(path).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(absl::StrContains(status.message(), "found mode 0640")) << status;
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  ASSERT_EQ(truncate(path.c_str(), 10), 0);
  EXPECT_EQ(ReadSecret(path).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadSecret(path + ".none").status().code(), absl::StatusCode::kNotFound);
  unlink(path.c_str());
}

TEST(TokenTest, BindsJobTaskAndEpoch) {
  const std::string token = MakeToken("secret", "job", "worker:1", 7);
  EXPECT_EQ(token.size(), 64u);
  EXPECT_TRUE(CheckToken(token, "secret", "job", "worker:1", 7));
  EXPECT_FALSE(CheckToken(token, "secres", "job", "worker:1", 7));
  EXPECT_FALSE(CheckToken(token, "secret", "jobw", "orker:1", 7));
  EXPECT_FALSE(CheckToken(token, "secret", "job", "worker:2", 7));
  EXPECT_FALSE(CheckToken(token, "secret", "job", "worker:1", 8));
  EXPECT_FALSE(CheckToken("", "secret", "job", "worker:1", 7));
  EXPECT_FALSE(CheckToken(MakeToken("", "job", "worker:1", 7), "", "job", "worker:1", 7));
}

TEST(ImageProofTest, BindsRequestAndImage) {
  const std::string proof = MakeImageProof("secret", "request", "image");
  EXPECT_EQ(proof.size(), 64u);
  EXPECT_TRUE(CheckImageProof(proof, "secret", "request", "image"));
  EXPECT_FALSE(CheckImageProof(proof, "secres", "request", "image"));
  EXPECT_FALSE(CheckImageProof(proof, "secret", "another", "image"));
  EXPECT_FALSE(CheckImageProof(proof, "secret", "request", "images"));
  EXPECT_FALSE(CheckImageProof("", "secret", "request", "image"));
  EXPECT_FALSE(CheckImageProof(MakeImageProof("", "request", "image"), "", "request", "image"));
}

TEST(CertificatesTest, KeysAreTheirOwnersAlone) {
  const std::string directory = FreshPath("certificates");
  ASSERT_EQ(WriteJobCertificates(directory, "digits", {"worker:0"}), absl::OkStatus());
  const auto credentials = ReadCertificates(directory, "worker:0");
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  EXPECT_TRUE(absl::StartsWith(credentials->certificate, "-----BEGIN CERTIFICATE-----"));
  EXPECT_EQ(ReadCertificates(directory, "worker:1").status().code(), absl::StatusCode::kNotFound);
  ASSERT_EQ(chmod((directory + "/worker-0.key").c_str(), 0644), 0);
  EXPECT_EQ(ReadCertificates(directory, "worker:0").status().code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(WriteJobCertificates(FreshPath("bad"), "digits", {"../x"}).code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace stator::distribute
