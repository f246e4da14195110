// For tests: numbers of every element type, as bytes.
#ifndef STATOR_COMPILER_CODEGEN_CPU_TEST_ELEMENTS_H_
#define STATOR_COMPILER_CODEGEN_CPU_TEST_ELEMENTS_H_

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "compiler/codegen/cpu/expect_result.h"
#include "compiler/codegen/cpu/testing.h"
#include "compiler/math/evaluate.h"

namespace stator::compiler {

// Storage, and the type in which the scalar references compute.
template <typename T>
struct PlainElement {
  using Number = T;
  using Storage = T;
  static Number Load(Storage s) { return s; }
  static Storage Store(Number n) { return n; }
};
struct Bool {
  static constexpr const char* kName = "i1";
  using Number = bool;
  using Storage = uint8_t;
  static Number Load(Storage s) { return s != 0; }
  static Storage Store(Number n) { return n ? 1 : 0; }
};
struct Half {
  static constexpr const char* kName = "f16";
  using Number = float;
  using Storage = uint16_t;
  static Number Load(Storage s) { return FloatFromHalf(s); }
  static Storage Store(Number n) { return HalfFromFloat(n); }
};
struct Bfloat16 {
  static constexpr const char* kName = "bf16";
  using Number = float;
  using Storage = uint16_t;
  static Number Load(Storage s) { return FloatFromBfloat16(s); }
  static Storage Store(Number n) { return Bfloat16FromFloat(n); }
};
#define STATOR_TEST_ELEMENT(Name, type, text)       \
  struct Name : PlainElement<type> {                \
    static constexpr const char* kName = text;      \
  }
STATOR_TEST_ELEMENT(Float32, float, "f32");
STATOR_TEST_ELEMENT(Float64, double, "f64");
STATOR_TEST_ELEMENT(Int8, int8_t, "i8");
STATOR_TEST_ELEMENT(Int16, int16_t, "i16");
STATOR_TEST_ELEMENT(Int32, int32_t, "i32");
STATOR_TEST_ELEMENT(Int64, int64_t, "i64");
STATOR_TEST_ELEMENT(UInt8, uint8_t, "ui8");
STATOR_TEST_ELEMENT(UInt16, uint16_t, "ui16");
STATOR_TEST_ELEMENT(UInt32, uint32_t, "ui32");
STATOR_TEST_ELEMENT(UInt64, uint64_t, "ui64");
#undef STATOR_TEST_ELEMENT

// Random elements with duplicates and special values among them.
template <typename E>
std::vector<typename E::Storage> SomeElements(int64_t count, int seed) {
  using Number = typename E::Number;
  std::mt19937_64 random(seed);
  std::vector<typename E::Storage> elements(count);
  for (auto& element : elements) {
    Number number;
    if constexpr (std::is_same_v<Number, bool>) {
      number = random() % 2 != 0;
    } else if constexpr (std::is_floating_point_v<Number>) {
      const Number specials[] = {Number(0), Number(-0.0), INFINITY, -INFINITY, NAN,
                                 std::numeric_limits<Number>::denorm_min(), Number(65504)};
      number = random() % 8 == 0 ? specials[random() % 7]
                                 : static_cast<Number>(static_cast<int>(random() % 2001) - 1000) / 64;
    } else {
      const Number specials[] = {std::numeric_limits<Number>::min(),
                                 std::numeric_limits<Number>::max(), Number(0), Number(-1)};
      number = random() % 8 == 0 ? specials[random() % 4] : static_cast<Number>(random() % 97 - 40);
    }
    element = E::Store(number);
  }
  return elements;
}

template <typename E>
HostArray ArrayOf(std::vector<int64_t> dims, const std::vector<typename E::Storage>& elements) {
  return HostArray::Of(std::move(dims), elements);
}

// Like ExpectResult, but any NaN equals any other.
template <typename E>
void ExpectElements(TestFusion& fusion, const std::map<std::string, int64_t>& symbols,
                    const std::vector<HostArray>& operands,
                    const std::vector<typename E::Storage>& expected, size_t result = 0) {
  auto same = [](typename E::Storage a, typename E::Storage b) {
    if (std::memcmp(&a, &b, sizeof(a)) == 0) return true;
    if constexpr (std::is_floating_point_v<typename E::Number>) {
      return std::isnan(E::Load(a)) && std::isnan(E::Load(b));
    }
    return false;
  };
  for (const char* target : kTestTargets) {
    for (TileOrder split : kTileOrders) {
      for (bool in_place : {false, true}) {
        auto results = fusion.Run(symbols, operands, split, target, in_place);
        ASSERT_TRUE(results.ok()) << results.status();
        const auto found = (*results)[result].As<typename E::Storage>();
        ASSERT_EQ(found.size(), expected.size());
        for (size_t i = 0; i < expected.size(); ++i) {
          ASSERT_TRUE(same(found[i], expected[i]))
              << E::kName << ' ' << target << " element " << i << ": " << +E::Load(found[i])
              << ", expected " << +E::Load(expected[i]);
        }
      }
    }
  }
}

using AllElements = testing::Types<Bool, Half, Bfloat16, Float32, Float64, Int8, Int16, Int32, Int64,
                                   UInt8, UInt16, UInt32, UInt64>;

struct ElementName {
  template <typename E>
  static std::string GetName(int) {
    return E::kName;
  }
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_TEST_ELEMENTS_H_
