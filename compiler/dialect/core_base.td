// The core dialect: about eighty primitives that every TensorFlow op expands to. Names, operand order, attributes and
// meaning are StableHLO's wherever StableHLO has the op; our own additions say so. `compiler/reference` is the
// executable meaning of each op.

#ifndef STATOR_COMPILER_DIALECT_CORE_BASE_TD_
#define STATOR_COMPILER_DIALECT_CORE_BASE_TD_

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/TensorEncoding.td"
include "mlir/Interfaces/CallInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Core_Dialect : Dialect {
  let name = "core";
  let summary = "StableHLO-like primitives over tensors with symbolic dimensions";
  let cppNamespace = "::stator::core";
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let extraClassDeclaration = [{
    /// The dimension expressions of this context. Every symbol is global to it.
    DimContext &dims() { return *dims_; }

   private:
    std::unique_ptr<DimContext> dims_;

   public:
  }];
}

//===- Attributes ---------------------------------------------------------------------------------------------------===//

class Core_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Core_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def Core_DimsAttr : Core_Attr<"Dims", "dims",
    [DeclareAttrInterfaceMethods<VerifiableTensorEncoding, ["verifyEncoding"]>]> {
  let summary = "a list of dimension expressions";
  let description = [{
    As the encoding of a tensor type it gives every dimension of the type, constants included; a type whose dimensions
    are all constant carries none. As an attribute of an op it gives slice bounds, paddings and the like.
    Printed as `#core.dims<"b", "4", "b*s">`.
  }];
  let parameters = (ins ArrayRefParameter<"::stator::core::DimExpr">:$dims);
  let hasCustomAssemblyFormat = 1;
}

def Core_AccumulateAttr : Core_Attr<"Accumulate", "accumulate"> {
  let summary = "the fixed order of a sum";
  let description = [{
    Decided once after simplification from op, types and sizes alone (compiler/passes/fix_sum_order); everything below
    implements it exactly. A contraction is a chain of FMAs over `block` consecutive k, block results added in order
    (`lanes` is 1). A reduction splits its row-major linear index into blocks of `block`; in a block lane l sums
    elements l, l + lanes, ... sequentially, lanes are added by halving (l += l + lanes/2, ...), block results by a
    balanced binary tree whose left part is the largest power of two smaller than the count.
  }];
  let parameters = (ins "int64_t":$lanes, "int64_t":$block);
  let assemblyFormat = "`<` `lanes` `=` $lanes `,` `block` `=` $block `>`";
}

def Core_ConvDimensionsAttr : Core_Attr<"ConvDimensions", "conv"> {
  let summary = "which dimension of a convolution's operands and result plays which part";
  let parameters = (ins
    "int64_t":$inputBatch, "int64_t":$inputFeature, ArrayRefParameter<"int64_t">:$inputSpatial,
    "int64_t":$kernelInputFeature, "int64_t":$kernelOutputFeature, ArrayRefParameter<"int64_t">:$kernelSpatial,
    "int64_t":$outputBatch, "int64_t":$outputFeature, ArrayRefParameter<"int64_t">:$outputSpatial);
  let assemblyFormat = [{
    `<` `input` `=` `[` $inputBatch `,` $inputFeature `,` `[` $inputSpatial `]` `]` `,`
        `kernel` `=` `[` $kernelInputFeature `,` $kernelOutputFeature `,` `[` $kernelSpatial `]` `]` `,`
        `output` `=` `[` $outputBatch `,` $outputFeature `,` `[` $outputSpatial `]` `]` `>`
  }];
}

class Core_Enum<string name, string description, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, description, cases> {
  let cppNamespace = "::stator::core";
  let genSpecializedAttr = 0;
}

def Core_ComparisonDirection : Core_Enum<"ComparisonDirection", "which comparison", [
  I32EnumAttrCase<"kEq", 0, "EQ">, I32EnumAttrCase<"kNe", 1, "NE">, I32EnumAttrCase<"kGe", 2, "GE">,
  I32EnumAttrCase<"kGt", 3, "GT">, I32EnumAttrCase<"kLe", 4, "LE">, I32EnumAttrCase<"kLt", 5, "LT">]>;
def Core_ComparisonDirectionAttr : EnumAttr<Core_Dialect, Core_ComparisonDirection, "direction">;

def Core_ReduceKind : Core_Enum<"ReduceKind", "how elements are combined", [
  I32EnumAttrCase<"kAdd", 0, "add">, I32EnumAttrCase<"kMul", 1, "mul">, I32EnumAttrCase<"kMax", 2, "max">,
  I32EnumAttrCase<"kMin", 3, "min">, I32EnumAttrCase<"kAnd", 4, "and">, I32EnumAttrCase<"kOr", 5, "or">,
  I32EnumAttrCase<"kArgMax", 6, "argmax">, I32EnumAttrCase<"kArgMin", 7, "argmin">]>;
def Core_ReduceKindAttr : EnumAttr<Core_Dialect, Core_ReduceKind, "kind">;

def Core_ScatterKind : Core_Enum<"ScatterKind", "how an update meets the old element", [
  I32EnumAttrCase<"kAssign", 0, "assign">, I32EnumAttrCase<"kAdd", 1, "add">, I32EnumAttrCase<"kMul", 2, "mul">,
  I32EnumAttrCase<"kMax", 3, "max">, I32EnumAttrCase<"kMin", 4, "min">]>;
def Core_ScatterKindAttr : EnumAttr<Core_Dialect, Core_ScatterKind, "scatter_kind">;

//===- Types --------------------------------------------------------------------------------------------------------===//

class Core_Type<string name, string typeMnemonic> : TypeDef<Core_Dialect, name> { let mnemonic = typeMnemonic; }

def Core_ListType : Core_Type<"List", "list"> {
  let summary = "a list of tensors that share one type; a value, not a reference";
  let parameters = (ins "::mlir::RankedTensorType":$elementType);
  let assemblyFormat = "`<` $elementType `>`";
}
def Core_ObjectType : Core_Type<"Object", "object"> {
  let summary = "a string or other opaque element: only data movement and host calls touch it";
}
def Core_TokenType : Core_Type<"Token", "token"> { let summary = "orders a start before its await"; }

def Core_Tensor : RankedTensorOf<[AnyType]>;
def Core_PredTensor : RankedTensorOf<[I1]>;
def Core_IntTensor : RankedTensorOf<[AnyInteger]>;
def Core_Value : AnyTypeOf<[Core_Tensor, Core_ListType, Core_TokenType]>;

//===- Ops ----------------------------------------------------------------------------------------------------------===//

// One result element per index, from the operands' elements at the same index.
def Core_Elementwise : NativeOpTrait<"ElementwiseOp"> { let cppNamespace = "::stator::core"; }

class Core_Op<string opMnemonic, list<Trait> traits = []> : Op<Core_Dialect, opMnemonic, traits>;

#endif  // STATOR_COMPILER_DIALECT_CORE_BASE_TD_
