#ifndef STATOR_GRAPH_ATTR_VALUE_H_
#define STATOR_GRAPH_ATTR_VALUE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/attr_value.pb.h"
#include "proto/op_def.pb.h"

// Attribute values against the rules of a schema. Errors say the rule, what was expected and what
// was found; the caller adds the node.

namespace stator::graph {

// "int", "list(float)", "func", ...: the type string of a schema. A list without elements is
// "list()". "placeholder" for a reference to an attribute of the enclosing function, "nothing" if
// none is set.
std::string AttrValueType(const AttrValue& value);

// For messages: `float`, `[1, 2, 3]`, `"SAME"`; long values are cut.
std::string AttrValueText(const AttrValue& value);

// Parses the text of a default value in a schema (`DT_FLOAT`, `[1, 1]`, `'SAME'`, `{ unknown_rank:
// true }`) as a value of `type` ("int", "list(type)", ...).
absl::StatusOr<AttrValue> ParseAttrValue(absl::string_view type, absl::string_view text);

// Checks that `value` has type `type`, is well formed (known dtypes, valid shapes), and, with a
// full AttrDef, that minimum and allowed values are respected.
absl::Status CheckAttrValue(const AttrValue& value, const OpDef::AttrDef& schema);

// True when the value is what an absent field means: 0, false, "", an empty list.
bool IsZeroAttrValue(const AttrValue& value);

}  // namespace stator::graph

#endif  // STATOR_GRAPH_ATTR_VALUE_H_
