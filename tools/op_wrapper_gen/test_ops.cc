#include "tools/op_wrapper_gen/test_ops.h"

#include "graph/op_schema.h"

namespace stator::tools {

std::vector<OpDef> TestOps() {
  using Op = graph::OpSchemaBuilder;
  return {
      *Op("Const").Output("output: dtype").Attr("value: tensor").Attr("dtype: type").Build(),
      *Op("Placeholder")
           .Output("output: dtype")
           .Attr("dtype: type")
           .Attr("shape: shape = { unknown_rank: true }")
           .Build(),
      *Op("MatMul")
           .Input("a: T")
           .Input("b: T")
           .Output("product: T")
           .Attr("transpose_a: bool = false")
           .Attr("transpose_b: bool = false")
           .Attr("T: {float, double, int32}")
           .Summary("Multiplies matrices.")
           .Build(),
      *Op("AddV2").Input("x: T").Input("y: T").Output("z: T").Attr("T: numbertype").Build(),
      *Op("Sub").Input("x: T").Input("y: T").Output("z: T").Attr("T: numbertype").Build(),
      *Op("Mul").Input("x: T").Input("y: T").Output("z: T").Attr("T: numbertype").Build(),
      *Op("RealDiv").Input("x: T").Input("y: T").Output("z: T").Attr("T: numbertype").Build(),
      *Op("Neg").Input("x: T").Output("y: T").Attr("T: numbertype").Build(),
      *Op("Cast")
           .Input("x: SrcT")
           .Output("y: DstT")
           .Attr("SrcT: type")
           .Attr("DstT: type")
           .Attr("Truncate: bool = false")
           .Build(),
      *Op("Reshape")
           .Input("tensor: T")
           .Input("shape: Tshape")
           .Output("output: T")
           .Attr("T: type")
           .Attr("Tshape: {int32, int64} = DT_INT32")
           .Build(),
      *Op("ConcatV2")
           .Input("values: N * T")
           .Input("axis: Tidx")
           .Output("output: T")
           .Attr("N: int >= 2")
           .Attr("T: type")
           .Attr("Tidx: {int32, int64} = DT_INT32")
           .Build(),
      *Op("Split")
           .Input("split_dim: int32")
           .Input("value: T")
           .Output("output: num_split * T")
           .Attr("num_split: int >= 1")
           .Attr("T: type")
           .Build(),
      *Op("Loss")
           .Input("features: T")
           .Input("labels: T")
           .Output("loss: T")
           .Output("backprop: T")
           .Attr("T: {half, float}")
           .Build(),
      *Op("Conv2D")
           .Input("input: T")
           .Input("filter: T")
           .Output("output: T")
           .Attr("T: {half, float}")
           .Attr("strides: list(int)")
           .Attr("padding: {'SAME', 'VALID'}")
           .Attr("data_format: {'NHWC', 'NCHW'} = 'NHWC'")
           .Attr("dilations: list(int) = [1, 1, 1, 1]")
           .Build(),
      *Op("NoOp").Build(),
      // Awkward names and defaults.
      *Op("Switch")
           .Input("default: T")
           .Input("scope: T")
           .Output("operator: T")
           .Output("parts: N * T")
           .Output("last: T")
           .Attr("T: type")
           .Attr("N: int")
           .Attr("float: float = -inf")
           .Attr("half: float = 0.1")
           .Attr("name: string = '\"\\\\'")
           .Attr("f: func = { name: 'id' }")
           .Attr("shapes: list(shape) = [{ dim { size: 2 } }, {}]")
           .Attr("types: list(type) = [DT_HALF]")
           .Build(),
      *Op("SwitchAttrs").Build(),
      *Op("Output").Output("y: float").Build(),
      *Op("_Hidden").Build(),
  };
}

}  // namespace stator::tools
