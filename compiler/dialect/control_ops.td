// Control flow, state, sizes and errors, lists, many devices, host calls, and the fusion region.

#ifndef STATOR_COMPILER_DIALECT_CONTROL_OPS_TD_
#define STATOR_COMPILER_DIALECT_CONTROL_OPS_TD_

include "compiler/dialect/core_base.td"

def VariableMemory : Resource<"::stator::core::VariableMemory">;
def HostMemory : Resource<"::stator::core::HostMemory">;
def ErrorMemory : Resource<"::stator::core::ErrorMemory">;

//===- Control ------------------------------------------------------------------------------------------------------===//

def Core_ReturnOp : Core_Op<"return", [Pure, ReturnLike, Terminator]> {
  let summary = "ends a region of the core dialect";
  let arguments = (ins Variadic<AnyType>:$operands);
  let builders = [OpBuilder<(ins), [{ /* nothing to return */ }]>];
  let assemblyFormat = "attr-dict ($operands^ `:` type($operands))?";
}

def Core_IfOp : Core_Op<"if", [RecursiveMemoryEffects, SingleBlockImplicitTerminator<"ReturnOp">]> {
  let summary = "one of two regions, which capture their operands";
  let arguments = (ins Core_PredTensor:$pred);
  let results = (outs Variadic<Core_Value>:$results);
  let regions = (region SizedRegion<1>:$true_branch, SizedRegion<1>:$false_branch);
  let assemblyFormat = "$pred $true_branch `else` $false_branch attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Core_CaseOp : Core_Op<"case", [RecursiveMemoryEffects]> {
  let summary = "one of several regions by a scalar i32; out of range takes the last";
  let arguments = (ins Core_IntTensor:$index);
  let results = (outs Variadic<Core_Value>:$results);
  let regions = (region VariadicRegion<SizedRegion<1>>:$branches);
  let assemblyFormat = "$index `branches` $branches attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Core_WhileOp : Core_Op<"while", [RecursiveMemoryEffects]> {
  let summary = "while cond(carried) carried = body(carried)";
  let description = [{
    Both regions take the carried values as arguments and capture other values. Where a carried dimension changes, the
    result type and the region arguments use a symbol of life `loop` that each iteration rebinds: `loop_symbols` names
    it, `initial_dims` gives its value at entry; the body binds the next value by returning a tensor of that size.
  }];
  let arguments = (ins Variadic<Core_Value>:$operands, OptionalAttr<StrArrayAttr>:$loop_symbols,
                       OptionalAttr<Core_DimsAttr>:$initial_dims);
  let results = (outs Variadic<Core_Value>:$results);
  let regions = (region SizedRegion<1>:$cond, SizedRegion<1>:$body);
  let assemblyFormat = "operands `cond` $cond `body` $body attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Core_CallOp : Core_Op<"call", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a function of the module, inlined before fusion";
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<Core_Value>:$operands);
  let results = (outs Variadic<Core_Value>:$results);
  let assemblyFormat = "$callee `(` $operands `)` attr-dict `:` functional-type($operands, results)";
}

def Core_CompositeOp : Core_Op<"composite", [Pure, SingleBlockImplicitTerminator<"ReturnOp">]> {
  let summary = "keeps the boundary of an op until gradients are taken";
  let description = [{
    `body` computes the results from its arguments (isolation is by convention: it uses nothing else). `vjp`, when not
    empty, takes operands, results and result gradients and returns operand gradients; it overrides the derived one.
  }];
  let arguments = (ins StrAttr:$name, Variadic<Core_Value>:$operands);
  let results = (outs Variadic<Core_Value>:$results);
  let regions = (region SizedRegion<1>:$body, AnyRegion:$vjp);
  let assemblyFormat = "$name $operands `body` $body (`vjp` $vjp^)? attr-dict `:` functional-type($operands, results)";
  let hasVerifier = 1;
}

def Core_StopGradientOp : Core_Op<"stop_gradient", [Pure, SameOperandsAndResultType]> {
  let summary = "the operand; gradients stop here (ours)";
  let arguments = (ins Core_Tensor:$operand);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$operand attr-dict `:` type($result)";
}

def Core_GradientsOp : Core_Op<"gradients", [Pure, AttrSizedOperandSegments]> {
  let summary = "gradients of the sum of ys, weighted by grad_ys, with respect to xs (ours)";
  let description = [{
    Replaced by the differentiate pass. `grad_ys` is empty (ones) or has one value per y. A result has its x's type;
    an x that no y depends on gets zeros.
  }];
  let arguments = (ins Variadic<Core_Tensor>:$ys, Variadic<Core_Tensor>:$grad_ys, Variadic<Core_Tensor>:$xs);
  let results = (outs Variadic<Core_Tensor>:$results);
  let assemblyFormat = [{
    `ys` `(` $ys `)` `grad_ys` `(` $grad_ys `)` `xs` `(` $xs `)` attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===- State --------------------------------------------------------------------------------------------------------===//

def Core_VariableOp : Core_Op<"variable", [Symbol]> {
  let summary = "declares a variable of the session (ours)";
  let description = "`container` and `shared_name` identify it; the type's symbols are bound from the stored value. A zero_initialized one starts as zeros.";
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<Core_Tensor>:$type, StrAttr:$shared_name,
                       DefaultValuedStrAttr<StrAttr, "">:$container, UnitAttr:$zero_initialized);
  let assemblyFormat = "$sym_name `:` $type attr-dict";
}

def Core_ReadVariableOp : Core_Op<"read_variable", [MemoryEffects<[MemRead<VariableMemory>]>]> {
  let summary = "the variable's value at this place in program order";
  let arguments = (ins FlatSymbolRefAttr:$variable);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$variable attr-dict `:` type($result)";
}

def Core_AssignVariableOp : Core_Op<"assign_variable", [MemoryEffects<[MemWrite<VariableMemory>]>]> {
  let summary = "a new value for the variable";
  let arguments = (ins FlatSymbolRefAttr:$variable, Core_Tensor:$value);
  let assemblyFormat = "$variable `,` $value attr-dict `:` type($value)";
}

def Core_VariableInitializedOp : Core_Op<"variable_initialized", [MemoryEffects<[MemRead<VariableMemory>]>]> {
  let summary = "whether the variable holds a value";
  let arguments = (ins FlatSymbolRefAttr:$variable);
  let results = (outs Core_PredTensor:$result);
  let assemblyFormat = "$variable attr-dict `:` type($result)";
}

//===- Sizes and errors ---------------------------------------------------------------------------------------------===//

def Core_BindDimOp : Core_Op<"bind_dim", [MemoryEffects<[MemWrite<ErrorMemory>]>]> {
  let summary = "binds a symbol of life `step` to a computed scalar (ours)";
  let description = "Types below may use the symbol. A value outside [min, max] is an error naming this op's node.";
  let arguments = (ins Core_IntTensor:$value, StrAttr:$symbol);
  let assemblyFormat = "$value `,` $symbol attr-dict `:` type($value)";
}

def Core_CompactOp : Core_Op<"compact", [Pure]> {
  let summary = "the slices along dimension 0 whose mask is true, in order (ours)";
  let description = "Operand [n, R...], mask [n], result [s, R...] where s has been bound to the number of true elements.";
  let arguments = (ins Core_Tensor:$operand, Core_PredTensor:$mask);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$operand `,` $mask attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Core_GuardOp : Core_Op<"guard", [MemoryEffects<[MemWrite<ErrorMemory>]>]> {
  let summary = "an assumption about input symbols, evaluated before any effect (ours)";
  let description = "`relation` is EQ, GE, LE, ... between two expressions over symbols of life `input`.";
  let arguments = (ins Core_DimsAttr:$lhs, Core_ComparisonDirectionAttr:$relation, Core_DimsAttr:$rhs, StrAttr:$message);
  let assemblyFormat = "$lhs $relation $rhs `,` $message attr-dict";
}

def Core_CheckOp : Core_Op<"check", [MemoryEffects<[MemWrite<ErrorMemory>]>]> {
  let summary = "an error of the given canonical code unless all elements of pred are true (ours)";
  let arguments = (ins Core_PredTensor:$pred, I32Attr:$code, StrAttr:$message, Variadic<Core_Tensor>:$data);
  let assemblyFormat = "$pred `,` $code `,` $message (`,` $data^)? attr-dict `:` functional-type(operands, results)";
}

//===- Lists --------------------------------------------------------------------------------------------------------===//

def Core_ListCreateOp : Core_Op<"list_create", [Pure]> {
  let summary = "a list of `size` elements of zeros (0: an empty list)";
  let arguments = (ins Core_IntTensor:$size);
  let results = (outs Core_ListType:$result);
  let assemblyFormat = "$size attr-dict `:` functional-type(operands, results)";
}
def Core_ListPushOp : Core_Op<"list_push", [Pure, AllTypesMatch<["list", "result"]>]> {
  let summary = "the list with an element appended";
  let arguments = (ins Core_ListType:$list, Core_Tensor:$element);
  let results = (outs Core_ListType:$result);
  let assemblyFormat = "$list `,` $element attr-dict `:` type($list) `,` type($element)";
}
def Core_ListPopOp : Core_Op<"list_pop", [Pure, AllTypesMatch<["list", "result"]>]> {
  let summary = "the list without its last element, and that element";
  let arguments = (ins Core_ListType:$list);
  let results = (outs Core_ListType:$result, Core_Tensor:$element);
  let assemblyFormat = "$list attr-dict `:` type($list) `,` type($element)";
}
def Core_ListGetOp : Core_Op<"list_get", [Pure]> {
  let summary = "an element; the index is clamped";
  let arguments = (ins Core_ListType:$list, Core_IntTensor:$index);
  let results = (outs Core_Tensor:$element);
  let assemblyFormat = "$list `,` $index attr-dict `:` functional-type(operands, results)";
}
def Core_ListSetOp : Core_Op<"list_set", [Pure, AllTypesMatch<["list", "result"]>]> {
  let summary = "the list with one element replaced; an index outside is dropped";
  let arguments = (ins Core_ListType:$list, Core_IntTensor:$index, Core_Tensor:$element);
  let results = (outs Core_ListType:$result);
  let assemblyFormat = "$list `,` $index `,` $element attr-dict `:` type($list) `,` type($index) `,` type($element)";
}
def Core_ListLengthOp : Core_Op<"list_length", [Pure]> {
  let summary = "the number of elements";
  let arguments = (ins Core_ListType:$list);
  let results = (outs Core_IntTensor:$result);
  let assemblyFormat = "$list attr-dict `:` functional-type(operands, results)";
}
def Core_ListStackOp : Core_Op<"list_stack", [Pure]> {
  let summary = "all elements along a new leading dimension, whose symbol has been bound to the length";
  let arguments = (ins Core_ListType:$list);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$list attr-dict `:` functional-type(operands, results)";
}

//===- Many devices (declared; lowered by the strategies) -----------------------------------------------------------===//

class Core_Collective<string mnemonic, string what>
    : Core_Op<mnemonic, [MemoryEffects<[MemRead<HostMemory>, MemWrite<HostMemory>]>]> {
  let summary = what;
  let arguments = (ins Core_Tensor:$operand, StrAttr:$group);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$operand `,` $group attr-dict `:` functional-type(operands, results)";
}
def Core_AllReduceOp : Core_Collective<"all_reduce", "sum over the replicas of a group along the fixed tree">;
def Core_AllGatherOp : Core_Collective<"all_gather", "operands of all replicas, concatenated along dimension 0">;
def Core_ReduceScatterOp : Core_Collective<"reduce_scatter", "this replica's slice of the sum">;
def Core_AllToAllOp : Core_Collective<"all_to_all", "slice r goes to replica r">;
def Core_CollectiveBroadcastOp : Core_Collective<"collective_broadcast", "the first replica's operand">;
def Core_SendOp : Core_Op<"send", [MemoryEffects<[MemRead<HostMemory>, MemWrite<HostMemory>]>]> {
  let summary = "a tensor to a channel";
  let arguments = (ins Core_Tensor:$operand, StrAttr:$channel);
  let assemblyFormat = "$operand `,` $channel attr-dict `:` type($operand)";
}
def Core_RecvOp : Core_Op<"recv", [MemoryEffects<[MemRead<HostMemory>, MemWrite<HostMemory>]>]> {
  let summary = "a tensor from a channel";
  let arguments = (ins StrAttr:$channel);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$channel attr-dict `:` type($result)";
}

//===- The rest -----------------------------------------------------------------------------------------------------===//

def Core_HostCallOp : Core_Op<"host_call", [MemoryEffects<[MemRead<HostMemory>, MemWrite<HostMemory>,
                                                           MemWrite<ErrorMemory>]>]> {
  let summary = "a registered C++ function";
  let description = "`config` is passed as it is; `has_side_effect = false` allows removal and reuse.";
  let arguments = (ins StrAttr:$function, Variadic<Core_Tensor>:$operands, DictionaryAttr:$config);
  let results = (outs Variadic<Core_Tensor>:$results);
  let assemblyFormat = "$function `(` $operands `)` $config attr-dict `:` functional-type($operands, results)";
}

def Core_CustomCallOp : Core_Op<"custom_call", [Pure]> {
  let summary = "a kernel of the C ABI, by name";
  let arguments = (ins StrAttr:$target, Variadic<Core_Tensor>:$operands);
  let results = (outs Variadic<Core_Tensor>:$results);
  let assemblyFormat = "$target `(` $operands `)` attr-dict `:` functional-type($operands, results)";
}

def Core_OptimizationBarrierOp : Core_Op<"optimization_barrier", [Pure]> {
  let summary = "the operands; nothing is simplified or fused across";
  let arguments = (ins Variadic<Core_Tensor>:$operands);
  let results = (outs Variadic<Core_Tensor>:$results);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Core_CreateTokenOp : Core_Op<"create_token", [Pure]> {
  let summary = "a token that waits for nothing";
  let results = (outs Core_TokenType:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Core_FusionOp : Core_Op<"fusion", [Pure, IsolatedFromAbove, SingleBlockImplicitTerminator<"ReturnOp">]> {
  let summary = "the unit of planning, reporting and caching: one kernel";
  let description = [{
    The body uses its arguments only. `kind` names the schedule (loop, reduce, contraction, scatter, sort); `reason` says
    why these ops are together, for the report.
  }];
  let arguments = (ins Variadic<Core_Tensor>:$operands, StrAttr:$kind, StrAttr:$reason);
  let results = (outs Variadic<Core_Tensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$kind `,` $reason `(` $operands `)` $body attr-dict `:` functional-type($operands, results)";
  let hasVerifier = 1;
}

#endif  // STATOR_COMPILER_DIALECT_CONTROL_OPS_TD_
