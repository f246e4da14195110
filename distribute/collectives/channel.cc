#include "distribute/collectives/channel.h"

#include "absl/strings/str_cat.h"

namespace stator::distribute {

absl::Status Channel::Left() const {
  switch (state_) {
    case PeerState::kDone:
      return absl::UnavailableError(absl::StrCat(peer_, " has finished and takes no more part"));
    case PeerState::kGaveUp:
      return absl::AbortedError(absl::StrCat(peer_, " gave up"));
    default:
      return absl::UnavailableError(absl::StrCat(peer_, " died: its connection closed"));
  }
}

}  // namespace stator::distribute
