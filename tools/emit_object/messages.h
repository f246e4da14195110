// The codes that emitted functions return, and their texts.
#ifndef STATOR_TOOLS_EMIT_OBJECT_MESSAGES_H_
#define STATOR_TOOLS_EMIT_OBJECT_MESSAGES_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "executable/image_model.h"

namespace stator::tools {

class Messages {
 public:
  // Fixed codes; more than zero, less than kFirst.
  enum : int { kOk, kBadSize, kBadScratch, kNoState, kNoInit, kInternal };

  explicit Messages(const executable::ImageModel* model);

  // A code for this text; the same text has the same code. `node` may be kNone.
  int Add(executable::Code code, int32_t node, const std::string& text);
  // Codes of the image's checks follow each other from here.
  int first_check() const { return kFirst; }

  // The function `message` of the header.
  std::string Function() const;

 private:
  static constexpr int kFirst = 16;
  int Append(std::string text);

  const executable::ImageModel& model_;
  std::vector<std::string> texts_;  // of kFirst and on
  std::map<std::string, int> codes_;
};

}  // namespace stator::tools

#endif  // STATOR_TOOLS_EMIT_OBJECT_MESSAGES_H_
