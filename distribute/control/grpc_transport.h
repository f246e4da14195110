// What the two gRPC ends of the control channel share. Only grpc_* files include gRPC.
#ifndef STATOR_DISTRIBUTE_CONTROL_GRPC_TRANSPORT_H_
#define STATOR_DISTRIBUTE_CONTROL_GRPC_TRANSPORT_H_

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace stator::distribute {

inline constexpr int kMaxControlMessageBytes = 1 << 20;
inline constexpr int kMaxControlMetadataBytes = 8 << 10;
inline constexpr int kMaxControlStreams = 16;  // of one connection at a time
inline constexpr char kTokenKey[] = "stator-token";
inline constexpr char kImageProofKey[] = "stator-image-proof";

absl::Status ToStatus(const grpc::Status& status);
grpc::Status ToGrpcStatus(const absl::Status& status);

// How often, in ms, either end asks the other's TCP whether it is there. Slower than our own
// heartbeats, whose silence is to be judged first: this only ends half-open connections.
int KeepaliveMs(absl::Duration failure_timeout);

// gRPC says much on the console about peers that come and go. GRPC_VERBOSITY brings it back.
void QuietGrpc();

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_GRPC_TRANSPORT_H_
