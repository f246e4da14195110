// Shape, contraction, reduction and random primitives.

#ifndef STATOR_COMPILER_DIALECT_TENSOR_OPS_TD_
#define STATOR_COMPILER_DIALECT_TENSOR_OPS_TD_

include "compiler/dialect/core_base.td"

//===- Known values -------------------------------------------------------------------------------------------------===//

def Core_ConstantOp : Core_Op<"constant", [Pure, ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "a constant tensor";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}

def Core_DimValuesOp : Core_Op<"dim_values", [Pure, ConstantLike]> {
  let summary = "dimension expressions as an integer tensor (ours)";
  let description = [{
    A scalar or vector of i32 or i64 whose elements are expressions over symbols. Shape arithmetic folds to this op, so
    chains like Shape, StridedSlice, Pack, Reshape leave no trace. i32 elements are range-checked when bound.
  }];
  let arguments = (ins Core_DimsAttr:$values);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$values attr-dict `->` type($result)";  // a `:` would be read as the attribute's type
  let hasFolder = 1;
  let hasVerifier = 1;
}

//===- Shape --------------------------------------------------------------------------------------------------------===//

def Core_IotaOp : Core_Op<"iota", [Pure]> {
  let summary = "the index along one dimension";
  let arguments = (ins I64Attr:$dimension);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$dimension attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Core_BroadcastInDimOp : Core_Op<"broadcast_in_dim", [Pure]> {
  let summary = "repeats along new dimensions and along dimensions of size 1";
  let description = "Operand dimension i becomes result dimension broadcast_dimensions[i]; it has the same size or 1.";
  let arguments = (ins Core_Tensor:$operand, DenseI64ArrayAttr:$broadcast_dimensions);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$operand `,` `dims` `=` $broadcast_dimensions attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Core_ReshapeOp : Core_Op<"reshape", [Pure]> {
  let summary = "same elements in row-major order, another shape";
  let arguments = (ins Core_Tensor:$operand);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$operand attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Core_AssumeDimsOp : Core_Op<"assume_dims", [Pure]> {
  let summary = "the operand under dimensions that a guard or check has shown to be equal (ours)";
  let arguments = (ins Core_Tensor:$operand);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$operand attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Core_TransposeOp : Core_Op<"transpose", [Pure]> {
  let summary = "result dimension i is operand dimension permutation[i]";
  let arguments = (ins Core_Tensor:$operand, DenseI64ArrayAttr:$permutation);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$operand `,` `dims` `=` $permutation attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Core_SliceOp : Core_Op<"slice", [Pure]> {
  let summary = "elements start, start + stride, ... below limit of each dimension";
  let arguments = (ins Core_Tensor:$operand, Core_DimsAttr:$start_indices, Core_DimsAttr:$limit_indices,
                       DenseI64ArrayAttr:$strides);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = [{
    $operand `,` `start` `=` $start_indices `,` `limit` `=` $limit_indices `,` `strides` `=` $strides attr-dict `:`
    functional-type(operands, results)
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Core_DynamicSliceOp : Core_Op<"dynamic_slice", [Pure]> {
  let summary = "a block at computed start indices, which are clamped so that the block lies inside";
  let description = "One scalar i32 or i64 start per dimension; the block's sizes are the result's dimensions.";
  let arguments = (ins Core_Tensor:$operand, Variadic<Core_IntTensor>:$start_indices);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Core_DynamicUpdateSliceOp : Core_Op<"dynamic_update_slice", [Pure]> {
  let summary = "the operand with a block replaced; start indices are clamped so that the block lies inside";
  let arguments = (ins Core_Tensor:$operand, Core_Tensor:$update, Variadic<Core_IntTensor>:$start_indices);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Core_PadOp : Core_Op<"pad", [Pure]> {
  let summary = "padding around and between elements with a scalar; negative edge padding removes elements";
  let arguments = (ins Core_Tensor:$operand, Core_Tensor:$padding_value, Core_DimsAttr:$edge_padding_low,
                       Core_DimsAttr:$edge_padding_high, DenseI64ArrayAttr:$interior_padding);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = [{
    $operand `,` $padding_value `,` `low` `=` $edge_padding_low `,` `high` `=` $edge_padding_high `,`
    `interior` `=` $interior_padding attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Core_ConcatenateOp : Core_Op<"concatenate", [Pure]> {
  let summary = "operands one after another along a dimension";
  let arguments = (ins Variadic<Core_Tensor>:$inputs, I64Attr:$dimension);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$inputs `dim` `=` $dimension attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Core_ReverseOp : Core_Op<"reverse", [Pure, SameOperandsAndResultType]> {
  let summary = "order reversed along some dimensions";
  let arguments = (ins Core_Tensor:$operand, DenseI64ArrayAttr:$dimensions);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$operand `,` `dims` `=` $dimensions attr-dict `:` type($result)";
}

def Core_GatherOp : Core_Op<"gather", [Pure]> {
  let summary = "slices along one axis, chosen by an index tensor (StableHLO's gather narrowed to one indexed axis)";
  let description = [{
    With operand [B..., A..., n, C...], `batch_dims` leading dimensions shared with indices [B..., I...] and the indexed
    axis `axis`: result [B..., A..., I..., C...]. An index is clamped into [0, n).
  }];
  let arguments = (ins Core_Tensor:$operand, Core_IntTensor:$indices, I64Attr:$axis, I64Attr:$batch_dims);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = [{
    $operand `,` $indices `,` `axis` `=` $axis `,` `batch_dims` `=` $batch_dims attr-dict `:`
    functional-type(operands, results)
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Core_ScatterOp : Core_Op<"scatter", [Pure]> {
  let summary = "the operand with updates combined into slices of one axis (StableHLO's scatter, likewise narrowed)";
  let description = [{
    The reverse of gather: operand [B..., A..., n, C...], indices [B..., I...], updates [B..., A..., I..., C...].
    Updates to one element apply in row-major order of the updates; an index outside [0, n) is dropped.
  }];
  let arguments = (ins Core_Tensor:$operand, Core_IntTensor:$indices, Core_Tensor:$updates, I64Attr:$axis,
                       I64Attr:$batch_dims, Core_ScatterKindAttr:$kind);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = [{
    $kind $operand `,` $indices `,` $updates `,` `axis` `=` $axis `,` `batch_dims` `=` $batch_dims attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Core_GetDimOp : Core_Op<"get_dim", [Pure]> {
  let summary = "the size of a dimension as an i32 or i64 scalar (StableHLO: get_dimension_size)";
  let arguments = (ins Core_Tensor:$operand, I64Attr:$dimension);
  let results = (outs Core_IntTensor:$result);
  let assemblyFormat = "$operand `,` `dim` `=` $dimension attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

//===- Contraction --------------------------------------------------------------------------------------------------===//

def Core_DotGeneralOp : Core_Op<"dot_general", [Pure]> {
  let summary = "batched contraction; result dimensions are batch, lhs free, rhs free";
  let arguments = (ins Core_Tensor:$lhs, Core_Tensor:$rhs, DenseI64ArrayAttr:$lhs_batching_dimensions,
                       DenseI64ArrayAttr:$rhs_batching_dimensions, DenseI64ArrayAttr:$lhs_contracting_dimensions,
                       DenseI64ArrayAttr:$rhs_contracting_dimensions, OptionalAttr<Core_AccumulateAttr>:$accumulate);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs `,` `batch` `=` $lhs_batching_dimensions `x` $rhs_batching_dimensions `,`
    `contract` `=` $lhs_contracting_dimensions `x` $rhs_contracting_dimensions attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Core_ConvolutionOp : Core_Op<"convolution", [Pure]> {
  let summary = "convolution (cross-correlation) over any number of spatial dimensions";
  let description = [{
    The sum runs over the kernel's dimensions but its output features, in row-major order of the kernel as it lies in
    memory. Padded and dilated positions contribute fma(0, w, acc). `padding_low`, `padding_high` give one expression per spatial dimension.
  }];
  let arguments = (ins Core_Tensor:$lhs, Core_Tensor:$rhs, DenseI64ArrayAttr:$window_strides,
                       Core_DimsAttr:$padding_low, Core_DimsAttr:$padding_high, DenseI64ArrayAttr:$lhs_dilation,
                       DenseI64ArrayAttr:$rhs_dilation, Core_ConvDimensionsAttr:$dimension_numbers,
                       I64Attr:$feature_group_count, OptionalAttr<Core_AccumulateAttr>:$accumulate);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===- Reduction ----------------------------------------------------------------------------------------------------===//

def Core_ReduceOp : Core_Op<"reduce", [Pure]> {
  let summary = "combines the elements of some dimensions, starting from the kind's identity";
  let description = [{
    argmax and argmin give the row-major index (i32 or i64) of the first extreme element of one dimension; a NaN counts
    as the extreme. Empty sums are 0, products 1, maxima the smallest value.
  }];
  let arguments = (ins Core_Tensor:$operand, Core_ReduceKindAttr:$kind, DenseI64ArrayAttr:$dimensions,
                       OptionalAttr<Core_AccumulateAttr>:$accumulate);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$kind $operand `,` `dims` `=` $dimensions attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Core_ReduceWindowOp : Core_Op<"reduce_window", [Pure]> {
  let summary = "combines the elements of a sliding window in row-major order of the window";
  let description = "Padded positions hold the kind's identity. One entry per dimension in each attribute.";
  let arguments = (ins Core_Tensor:$operand, Core_ReduceKindAttr:$kind, DenseI64ArrayAttr:$window_dimensions,
                       DenseI64ArrayAttr:$window_strides, DenseI64ArrayAttr:$window_dilations,
                       Core_DimsAttr:$padding_low, Core_DimsAttr:$padding_high);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$kind $operand attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Core_SelectAndScatterOp : Core_Op<"select_and_scatter", [Pure, AllTypesMatch<["operand", "result"]>]> {
  let summary = "adds each source element at the first largest operand element of its window";
  let description = "The gradient of a max pool. An element's contributions are added in row-major order of windows.";
  let arguments = (ins Core_Tensor:$operand, Core_Tensor:$source, DenseI64ArrayAttr:$window_dimensions,
                       DenseI64ArrayAttr:$window_strides, Core_DimsAttr:$padding_low, Core_DimsAttr:$padding_high);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$operand `,` $source attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Core_CumulativeOp : Core_Op<"cumulative", [Pure, SameOperandsAndResultType]> {
  let summary = "running combination along a dimension, sequential (ours)";
  let arguments = (ins Core_Tensor:$operand, Core_ReduceKindAttr:$kind, I64Attr:$dimension, BoolAttr:$exclusive,
                       BoolAttr:$reverse);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$kind $operand `,` `dim` `=` $dimension attr-dict `:` type($result)";
}

def Core_SortOp : Core_Op<"sort", [Pure]> {
  let summary = "stable sort along a dimension by the first operand; the others follow";
  let description = "Floats in total order with NaN last and -0 equal to +0.";
  let arguments = (ins Variadic<Core_Tensor>:$inputs, I64Attr:$dimension, BoolAttr:$descending);
  let results = (outs Variadic<Core_Tensor>:$results);
  let assemblyFormat = "$inputs `dim` `=` $dimension attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Core_TopKOp : Core_Op<"top_k", [Pure]> {
  let summary = "the k largest elements of the last dimension, descending, and their i32 indices; ties by lower index";
  let arguments = (ins Core_Tensor:$operand);
  let results = (outs Core_Tensor:$values, Core_IntTensor:$indices);
  let assemblyFormat = "$operand attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===- Random -------------------------------------------------------------------------------------------------------===//

def Core_RngBitsOp : Core_Op<"rng_bits", [Pure]> {
  let summary = "words of the Philox 4x32-10 stream (ours)";
  let description = [{
    Key is a scalar ui64 (low word first), counter a vector of two ui64 (low, high). Result element i of ui32 is word
    i mod 4 of the block for counter + i div 4 (with carry); of ui64, words 2i and 2i+1 of that sequence, low first.
  }];
  let arguments = (ins Core_Tensor:$key, Core_Tensor:$counter);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$key `,` $counter attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif  // STATOR_COMPILER_DIALECT_TENSOR_OPS_TD_
