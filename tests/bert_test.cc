// BERT's encoder: one program for every batch and length, the interpreter's bits, and numbers that
// agree with a plain computation in double and with another framework's.
//
// The last test wants a folder in STATOR_BERT_DUMP: BERT base's weights w000.npy … w191.npy in the
// order of BertModel::variables(), an input in0.npy and its result out.npy. Any framework can write
// it with numpy.save.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/bert/model.h"
#include "examples/bert/weights.h"
#include "formats/npy.h"
#include "stator.h"
#include "tests/program/graph_program.h"

namespace stator {
namespace {

using examples::BertModel;
using examples::BertSizes;
using runtime::Tensor;

constexpr BertSizes kSmall = {.layers = 2, .hidden = 64, .heads = 4, .inner = 256};
constexpr int64_t kBatches[] = {1, 3, 32};
constexpr int64_t kLengths[] = {5, 128};

using Weights = std::map<std::string, tests::Tensor>;

Weights MakeWeights(const nn::Variables& variables, uint64_t seed) {
  Weights weights;
  tests::Random random(seed);
  for (const nn::Variable& variable : variables.all()) {
    tests::Tensor& value = weights[variable.name];
    value = tests::MakeValues(executable::DType::kFloat32, variable.dims, tests::Fill::kModerate,
                              random);
    // In [-2, 2]; sums over the inputs should stay about 1.
    const float scale =
        variable.dims.size() == 2 ? 1 / std::sqrt(static_cast<float>(variable.dims[0])) : 0.5f;
    float* numbers = value.MutableAs<float>();
    for (int64_t i = 0; i < value.num_elements(); ++i) numbers[i] *= scale;
  }
  return weights;
}

tests::Tensor MakeEmbeddings(int64_t batch, int64_t length) {
  tests::Random random(static_cast<uint64_t>(batch * 1000 + length));
  return tests::MakeValues(executable::DType::kFloat32, {batch, length, kSmall.hidden},
                           tests::Fill::kModerate, random);
}

// The encoder as its paper has it, in double, one sequence at a time.
class PlainBert {
 public:
  PlainBert(const BertSizes& sizes, const Weights& weights) : sizes_(sizes), weights_(weights) {}

  // x: [length, hidden]
  std::vector<double> Encode(std::vector<double> x, int64_t length) const {
    for (int64_t i = 0; i < sizes_.layers; ++i) {
      const std::string layer = absl::StrCat("layer_", i, "/");
      std::vector<double> y = Dense(layer + "output", Attention(layer, x, length), length);
      x = Norm(layer + "attention_norm", Sum(y, x));
      y = Dense(layer + "inner", x, length);
      for (double& v : y) v *= 0.5 * (1 + std::erf(v / std::sqrt(2.0)));
      x = Norm(layer + "norm", Sum(Dense(layer + "outer", y, length), x));
    }
    return x;
  }

 private:
  const float* Weight(const std::string& name) const { return weights_.at(name).As<float>(); }

  std::vector<double> Dense(const std::string& layer, const std::vector<double>& x,
                            int64_t rows) const {
    const std::vector<int64_t>& dims = weights_.at(layer + "/kernel").dims();
    const float *kernel = Weight(layer + "/kernel"), *bias = Weight(layer + "/bias");
    std::vector<double> y;
    for (int64_t row = 0; row < rows; ++row) {
      std::vector<double> sums(bias, bias + dims[1]);
      for (int64_t k = 0; k < dims[0]; ++k) {
        for (int64_t n = 0; n < dims[1]; ++n) {
          sums[n] += x[row * dims[0] + k] * kernel[k * dims[1] + n];
        }
      }
      y.insert(y.end(), sums.begin(), sums.end());
    }
    return y;
  }

  std::vector<double> Norm(const std::string& layer, std::vector<double> x) const {
    const float *gamma = Weight(layer + "/gamma"), *beta = Weight(layer + "/beta");
    const int64_t n = sizes_.hidden;
    for (size_t row = 0; row < x.size(); row += n) {
      double mean = 0, variance = 0;
      for (int64_t i = 0; i < n; ++i) mean += x[row + i] / n;
      for (int64_t i = 0; i < n; ++i) variance += (x[row + i] - mean) * (x[row + i] - mean) / n;
      for (int64_t i = 0; i < n; ++i) {
        x[row + i] = (x[row + i] - mean) / std::sqrt(variance + 1e-5) * gamma[i] + beta[i];
      }
    }
    return x;
  }

  static std::vector<double> Sum(std::vector<double> x, const std::vector<double>& y) {
    for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
    return x;
  }

  std::vector<double> Attention(const std::string& layer, const std::vector<double>& x,
                                int64_t length) const {
    const std::vector<double> query = Dense(layer + "query", x, length);
    const std::vector<double> key = Dense(layer + "key", x, length);
    const std::vector<double> value = Dense(layer + "value", x, length);
    const int64_t hidden = sizes_.hidden, size = hidden / sizes_.heads;
    std::vector<double> result(x.size(), 0.0);
    for (int64_t head = 0; head < hidden; head += size) {
      for (int64_t i = 0; i < length; ++i) {
        std::vector<double> shares(length, 0.0);
        double total = 0;
        for (int64_t j = 0; j < length; ++j) {
          double score = 0;
          for (int64_t k = head; k < head + size; ++k) {
            score += query[i * hidden + k] * key[j * hidden + k];
          }
          total += shares[j] = std::exp(score / std::sqrt(static_cast<double>(size)));
        }
        for (int64_t j = 0; j < length; ++j) {
          for (int64_t k = head; k < head + size; ++k) {
            result[i * hidden + k] += shares[j] / total * value[j * hidden + k];
          }
        }
      }
    }
    return result;
  }

  const BertSizes& sizes_;
  const Weights& weights_;
};

Tensor ToRuntime(const tests::Tensor& tensor) {
  return *Tensor::FromBytes(tensor.dtype(), tensor.dims(), tensor.data(), tensor.num_bytes());
}

TEST(Bert, CompiledEqualsInterpreted) {
  const graph::Scope scope = tests::NewScope();
  BertModel model(scope, kSmall, /*seed=*/1);
  ASSERT_TRUE(scope.ok()) << scope.status();
  const Weights weights = MakeWeights(model.variables(), /*seed=*/1);
  std::vector<tests::RunInput> runs;
  for (int64_t length : kLengths) {
    for (int64_t batch : kBatches) {
      runs.push_back({absl::StrCat(batch, " sequences of ", length),
                      {MakeEmbeddings(batch, length)},
                      weights});
    }
  }
  EXPECT_TRUE(tests::SameInEveryWay(
      tests::MakeProgram(scope, {{model.embeddings().name()}, {model.encoded().name()}}, std::move(runs)),
      {.may_fail = false, .concrete_runs = 1}));
}

// One session with one executable, against PlainBert.
class BertSession {
 public:
  BertSession() : scope_(NewProgram()), model_(scope_, kSmall, /*seed=*/1) {
    auto session = NewSession(scope_);
    EXPECT_TRUE(session.ok()) << session.status();
    if (session.ok()) session_ = *std::move(session);
  }

  void SetWeights(uint64_t seed) {
    weights_ = MakeWeights(model_.variables(), seed);
    for (const auto& [name, value] : weights_) {
      ASSERT_TRUE(session_->variables()->Write(name, ToRuntime(value)).ok()) << name;
    }
  }

  void ExpectPlainNumbers(int64_t batch, int64_t length) {
    const tests::Tensor embeddings = MakeEmbeddings(batch, length);
    const auto results = session_->Run({{model_.embeddings().name(), ToRuntime(embeddings)}},
                                       {model_.encoded().name()});
    ASSERT_TRUE(results.ok()) << results.status();
    ASSERT_EQ((*results)[0].dims(), embeddings.dims());
    const PlainBert plain(kSmall, weights_);
    const int64_t size = length * kSmall.hidden;
    double difference = 0;
    for (int64_t i = 0; i < batch; ++i) {
      const float* from = embeddings.As<float>() + i * size;
      const float* actual = (*results)[0].data<float>() + i * size;
      const std::vector<double> expected = plain.Encode({from, from + size}, length);
      for (int64_t j = 0; j < size; ++j) {
        ASSERT_TRUE(std::isfinite(actual[j])) << j;  // the maximum would not see it
        difference = std::max(difference, std::abs(expected[j] - actual[j]));
      }
    }
    EXPECT_LT(difference, 5e-6) << batch << " sequences of " << length;
  }

  runtime::Session* session() { return session_.get(); }

 private:
  graph::Scope scope_;
  BertModel model_;
  Weights weights_;
  std::unique_ptr<runtime::Session> session_;
};

TEST(Bert, OneExecutableAgreesWithAPlainComputation) {
  BertSession bert;
  bert.SetWeights(1);
  for (int64_t length : kLengths) {
    for (int64_t batch : kBatches) bert.ExpectPlainNumbers(batch, length);
  }
  // What the executable made of the old weights is gone with them.
  bert.SetWeights(2);
  bert.ExpectPlainNumbers(3, 5);
  EXPECT_EQ(bert.session()->Stats().compiles, 1);
}

TEST(Bert, MistakesAreErrors) {
  const graph::Scope scope = NewProgram();
  BertModel model(scope, {.hidden = 64, .heads = 5}, /*seed=*/1);
  EXPECT_EQ(scope.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Bert, BaseAgreesWithAnotherFramework) {
  const char* folder = std::getenv("STATOR_BERT_DUMP");
  if (folder == nullptr) GTEST_SKIP() << "STATOR_BERT_DUMP names no folder";
  const graph::Scope scope = NewProgram();
  BertModel model(scope, {}, /*seed=*/1);
  const auto weights = examples::ReadWeights(folder, model.variables());
  ASSERT_TRUE(weights.ok()) << weights.status();
  const auto input = formats::ReadNpy(absl::StrCat(folder, "/in0.npy"));
  const auto expected = formats::ReadNpy(absl::StrCat(folder, "/out.npy"));
  ASSERT_TRUE(input.ok() && expected.ok()) << input.status() << expected.status();
  auto session = NewSession(scope);
  ASSERT_TRUE(session.ok()) << session.status();
  const absl::Status set = examples::SetWeights(*weights, session->get());
  ASSERT_TRUE(set.ok()) << set;
  const Tensor embeddings =
      *Tensor::FromBytes(executable::DType::kFloat32, input->dims, input->bytes.data(),
                         static_cast<int64_t>(input->bytes.size()));
  const auto results =
      (*session)->Run({{model.embeddings().name(), embeddings}}, {model.encoded().name()});
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ((*results)[0].dims(), expected->dims);
  double largest = 0, difference = 0;
  for (int64_t i = 0; i < (*results)[0].num_elements(); ++i) {
    float want;
    std::memcpy(&want, expected->bytes.data() + i * sizeof(float), sizeof(float));
    ASSERT_TRUE(std::isfinite(want) && std::isfinite((*results)[0].data<float>()[i])) << i;
    largest = std::max<double>(largest, std::abs(want));
    difference = std::max<double>(difference, std::abs(want - (*results)[0].data<float>()[i]));
  }
  EXPECT_LT(difference, 1e-5 * largest);
}

}  // namespace
}  // namespace stator
