#ifndef STATOR_GRAPH_LITERAL_H_
#define STATOR_GRAPH_LITERAL_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/tensor_proto.h"

namespace stator::graph {

template <typename T>
concept LiteralNumber = std::is_arithmetic_v<T> && !std::is_same_v<T, char>;

// A tensor as a user writes it in C++: 0.5, {1, 2, 3}, {{1, 2}, {3, 4}}, "text", a std::vector. It
// takes the element type that its use asks for; where nothing asks, integers are int32 (int64 when
// one does not fit or has that type), floating-point numbers are float (double only from a vector
// of double).
class Literal {
 public:
  template <LiteralNumber T>
  Literal(T value) {  // NOLINT: implicit by design
    AddNumber(value);
    if (natural_ == DT_DOUBLE) natural_ = DT_FLOAT;
  }
  Literal(const char* text) : Literal(std::string(text)) {}  // NOLINT: implicit by design
  Literal(std::string text)                                  // NOLINT: implicit by design
      : natural_(DT_STRING), strings_{std::move(text)} {}
  Literal(std::initializer_list<Literal> items);  // NOLINT: implicit by design
  template <LiteralNumber T>
  Literal(const std::vector<T>& values)  // NOLINT: implicit by design
      : shape_{static_cast<int64_t>(values.size())} {
    natural_ = NaturalType<T>();
    for (const T value : values) AddNumber(value);
  }
  Literal(std::vector<std::string> values)  // NOLINT: implicit by design
      : natural_(DT_STRING),
        shape_{static_cast<int64_t>(values.size())},
        strings_(std::move(values)) {}

  // The element type where nothing asks for another.
  DataType natural_type() const { return natural_; }
  // The wider of two natural types, for literals that must agree; DT_INVALID when there is none.
  static DataType Join(DataType a, DataType b);

  // The values as elements of `dtype`, rounded to it if it is a floating-point type. Errors: lists
  // that are not rectangular, values that `dtype` does not have (1.5 or 300 as int8, text as a
  // number).
  absl::StatusOr<DenseTensor> ToTensor(DataType dtype) const;

 private:
  template <typename T>
  static constexpr DataType NaturalType() {
    if (std::is_same_v<T, bool>) return DT_BOOL;
    if (std::is_same_v<T, float>) return DT_FLOAT;
    if (std::is_floating_point_v<T>) return DT_DOUBLE;
    return sizeof(T) > 4 || (sizeof(T) == 4 && std::is_unsigned_v<T>) ? DT_INT64 : DT_INT32;
  }

  template <typename T>
  void AddNumber(T value) {
    natural_ = Join(natural_, NaturalType<T>());
    if constexpr (std::is_floating_point_v<T>) {
      floats_.push_back(value);
    } else {
      if (std::is_unsigned_v<T> && value > static_cast<T>(INT64_MAX)) too_large_ = true;
      integers_.push_back(static_cast<int64_t>(value));
    }
  }

  DataType natural_ = DT_INVALID;  // DT_INVALID: nothing yet
  std::vector<int64_t> shape_;
  bool is_ragged_ = false;
  bool too_large_ = false;  // an integer above int64's
  // One of the three holds the elements, in row-major order; integers_ also holds truth values.
  std::vector<int64_t> integers_;
  std::vector<double> floats_;
  std::vector<std::string> strings_;
};

}  // namespace stator::graph

#endif  // STATOR_GRAPH_LITERAL_H_
