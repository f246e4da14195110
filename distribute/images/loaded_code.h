#ifndef STATOR_DISTRIBUTE_IMAGES_LOADED_CODE_H_
#define STATOR_DISTRIBUTE_IMAGES_LOADED_CODE_H_

#include <string>

namespace stator::distribute {

// Tells apart what this process runs: path, size and time of the program and of every library that
// is loaded, a line each. Another build gives another text.
std::string LoadedCode();

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_IMAGES_LOADED_CODE_H_
