#ifndef STATOR_GRAPH_GRAPH_VERSION_H_
#define STATOR_GRAPH_GRAPH_VERSION_H_

namespace stator::graph {

// The GraphDef version whose schemas and meaning we implement: TensorFlow's of October 2021. It is
// written as the producer of our graphs and compared with the versions of graphs that are read.
inline constexpr int kGraphVersion = 898;
// Readers older than this do not know functions as we write them.
inline constexpr int kMinConsumer = 12;

}  // namespace stator::graph

#endif  // STATOR_GRAPH_GRAPH_VERSION_H_
