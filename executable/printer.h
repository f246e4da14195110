// An image as text, for people and for `stator inspect`.
#ifndef STATOR_EXECUTABLE_PRINTER_H_
#define STATOR_EXECUTABLE_PRINTER_H_

#include <string>

#include "executable/image_model.h"

namespace stator::executable {

// Deterministic and total: prints malformed models too (indices outside their table as "?").
// Constants and code appear as sizes only.
std::string PrintImage(const ImageModel& model);

// "%3 hidden" for buffer 3 named hidden; one step on one line, as in PrintImage, without newline.
std::string PrintBufferName(const ImageModel& model, int32_t buffer);
std::string PrintStep(const ImageModel& model, const Step& step);

// "arena", "variable_read" and so on; "input", "step" or "loop".
const char* BufferKindName(BufferKind kind);
const char* SymbolLifeName(SymbolLife life);

// "f32[batch of x, 768]".
std::string PrintType(const ImageModel& model, DType dtype, const std::vector<int32_t>& dims);

// "dense/MatMul (model.cc:42)", or "" for kNone.
std::string PrintNode(const ImageModel& model, int32_t node);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_PRINTER_H_
