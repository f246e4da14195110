#include "runtime/core/host_attributes.h"

#include "gtest/gtest.h"

namespace stator::runtime {
namespace {

using Strings = std::vector<std::string>;

TEST(HostAttributesTest, FindsAListAmongOthers) {
  const std::string text =
      R"({has_side_effect = false, node = "values = [\22no\22]", values = ["a", "b, c}", ""]})";
  EXPECT_EQ(StringsAttribute(text, "values"), (Strings{"a", "b, c}", ""}));
  EXPECT_EQ(StringsAttribute(text, "node"), Strings{"values = [\"no\"]"});
  EXPECT_EQ(StringsAttribute(text, "absent"), Strings{});
}

TEST(HostAttributesTest, UndoesEscapes) {
  EXPECT_EQ(StringsAttribute(R"({values = ["\\\22\0A\C3\BC\00x"]})", "values"),
            Strings{std::string("\\\"\n\xC3\xBC\0x", 7)});
}

TEST(HostAttributesTest, BrokenTextEnds) {
  for (const char* text : {"", "{", "{}", "{values", "{values =", "{values = [\"a",
                           "{values = [\"\\", "{values = [\"\\4"}) {
    StringsAttribute(text, "values");
    EXPECT_EQ(StringsAttribute(text, "other"), Strings{}) << text;
  }
}

}  // namespace
}  // namespace stator::runtime
