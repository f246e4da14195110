#include "proto/json_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace stator {
namespace {

TEST(JsonText, QuotesWhatJsonForbids) {
  EXPECT_EQ(JsonQuote("plain"), "\"plain\"");
  EXPECT_EQ(JsonQuote("a\"b\\c\nd\te"), "\"a\\\"b\\\\c\\nd\\u0009e\"");
  EXPECT_EQ(JsonQuote(std::string("\0", 1)), "\"\\u0000\"");
}

TEST(JsonText, KeepsUtf8AndNothingElse) {
  EXPECT_EQ(JsonQuote("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"),
            "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"");
  EXPECT_EQ(JsonQuote("a\xffz"), "\"a\\ufffdz\"");
  EXPECT_EQ(JsonQuote("\xc3"), "\"\\ufffd\"");                        // cut off
  EXPECT_EQ(JsonQuote("\xc0\x80"), "\"\\ufffd\\ufffd\"");             // overlong
  EXPECT_EQ(JsonQuote("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");  // a surrogate
}

TEST(JsonText, WritesNumbers) {
  EXPECT_EQ(JsonNumber(3), "3");
  EXPECT_EQ(JsonNumber(-0.25), "-0.25");
  EXPECT_EQ(JsonNumber(1e300), "1e+300");
  EXPECT_EQ(JsonNumber(std::nan("")), "null");
  EXPECT_EQ(JsonNumber(std::numeric_limits<double>::infinity()), "null");
}

TEST(JsonText, KeepsTheOrderOfMembers) {
  EXPECT_EQ(JsonObject()
                .Text("z", "1")
                .Number("a", INT64_MAX)
                .Number("b", 0.5)
                .Flag("c", true)
                .Json("d", JsonArray({"1", "2"}))
                .ToString(),
            R"({"z": "1", "a": 9223372036854775807, "b": 0.5, "c": true, "d": [1, 2]})");
  EXPECT_EQ(JsonArray({"1", "2"}, " "), "[\n 1,\n 2]");
  EXPECT_EQ(JsonArray({}), "[]");
}

}  // namespace
}  // namespace stator
