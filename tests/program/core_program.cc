#include "tests/program/core_program.h"

#include <cctype>

#include "absl/strings/str_cat.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"

namespace stator::tests {
namespace {

bool IsNumber(const std::string& dim) { return std::isdigit(static_cast<unsigned char>(dim[0])); }

Shape ShapeOf(const Feed& feed, const Sizes& sizes) {
  Shape shape;
  for (const std::string& dim : feed.dims) {
    shape.push_back(IsNumber(dim) ? std::stoll(dim) : sizes.at(dim));
  }
  return shape;
}

mlir::RankedTensorType TypeOf(const Feed& feed, const Sizes& known, mlir::MLIRContext* context) {
  core::DimContext& context_dims = core::DimContextOf(context);
  core::Dims dims;
  for (const std::string& dim : feed.dims) {
    auto size = known.find(dim);
    if (IsNumber(dim)) {
      dims.push_back(context_dims.Constant(std::stoll(dim)));
    } else {
      dims.push_back(size == known.end() ? context_dims.Symbol(dim)
                                         : context_dims.Constant(size->second));
    }
  }
  return core::TensorType(dims, ElementType(feed.dtype, context));
}

absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>> MakeModule(const CoreProgram& program,
                                                             mlir::MLIRContext& context,
                                                             const Sizes& known) {
  context.loadDialect<core::CoreDialect, mlir::func::FuncDialect>();
  mlir::Location loc = mlir::NameLoc::get(mlir::StringAttr::get(&context, "program:Test"));
  mlir::OwningOpRef<mlir::ModuleOp> module(mlir::ModuleOp::create(loc));
  mlir::OpBuilder builder = mlir::OpBuilder::atBlockEnd(module->getBody());
  for (const auto& [name, feed] : program.variables) {
    builder.create<core::VariableOp>(
        loc, builder.getStringAttr(name), mlir::TypeAttr::get(TypeOf(feed, known, &context)),
        builder.getStringAttr(name), builder.getStringAttr(""), nullptr);
  }
  llvm::SmallVector<mlir::Type> types, result_types;
  llvm::SmallVector<mlir::Attribute> feeds, fetches;
  for (size_t i = 0; i < program.feeds.size(); ++i) {
    types.push_back(TypeOf(program.feeds[i], known, &context));
    feeds.push_back(builder.getStringAttr(absl::StrCat("feed", i, ":0")));
  }
  auto main = builder.create<mlir::func::FuncOp>(loc, "main", builder.getFunctionType(types, {}));
  mlir::Block* body = main.addEntryBlock();
  builder.setInsertionPointToStart(body);
  CoreBuilder core_builder(builder, loc);
  Values results = program.build(core_builder, body->getArguments());
  if (!core_builder.ok()) return absl::InvalidArgumentError(core_builder.error());
  for (size_t i = 0; i < results.size(); ++i) {
    result_types.push_back(results[i].getType());
    fetches.push_back(builder.getStringAttr(absl::StrCat("fetch", i, ":0")));
  }
  builder.create<mlir::func::ReturnOp>(loc, results);
  main.setFunctionType(builder.getFunctionType(types, result_types));
  main->setAttr("core.feeds", builder.getArrayAttr(feeds));
  main->setAttr("core.fetches", builder.getArrayAttr(fetches));
  if (mlir::failed(mlir::verify(*module)))
    return absl::InternalError("the program does not verify");
  return module;
}

}  // namespace

mlir::Type ElementType(DType dtype, mlir::MLIRContext* context) {
  mlir::Builder b(context);
  switch (dtype) {
    case DType::kFloat32:
      return b.getF32Type();
    case DType::kFloat64:
      return b.getF64Type();
    case DType::kFloat16:
      return b.getF16Type();
    case DType::kBFloat16:
      return b.getBF16Type();
    case DType::kBool:
      return b.getI1Type();
    default:
      break;
  }
  const unsigned bits = static_cast<unsigned>(executable::DTypeSize(dtype)) * 8;
  const bool is_unsigned = dtype == DType::kUInt8 || dtype == DType::kUInt16 ||
                           dtype == DType::kUInt32 || dtype == DType::kUInt64;
  return is_unsigned ? mlir::IntegerType::get(context, bits, mlir::IntegerType::Unsigned)
                     : b.getIntegerType(bits);
}

mlir::Value MakeOp(CoreBuilder& b, const std::string& name, mlir::ValueRange operands) {
  mlir::OperationState state(b.loc(), name);
  state.addOperands(operands);
  state.addTypes(operands[0].getType());
  return b.builder().create(state)->getResult(0);
}

mlir::Value I32(CoreBuilder& b, int64_t value) {
  return b.ScalarInt(b.builder().getI32Type(), value);
}

Values ForLoop(CoreBuilder& b, mlir::Value trips, mlir::ValueRange initial, const LoopBody& body) {
  Values operands{I32(b, 0)};
  operands.append(initial.begin(), initial.end());
  const Values results = b.While(
      operands, [&](mlir::ValueRange carried) { return Values{b.Lt(carried[0], trips)}; },
      [&](mlir::ValueRange carried) {
        Values next{b.Add(carried[0], I32(b, 1))};
        next.append(body(carried[0], carried.drop_front()));
        return next;
      });
  return results.empty() ? Values() : Values(llvm::drop_begin(results));
}

Values Gradients(CoreBuilder& b, mlir::Value y, mlir::ValueRange xs) {
  auto op =
      b.builder().create<core::GradientsOp>(b.loc(), xs.getTypes(), y, mlir::ValueRange(), xs);
  return Values(op.getResults());
}

Program MakeProgram(const CoreProgram& program, const std::vector<Sizes>& sizes, uint64_t seed) {
  Program result;
  Random random(seed);
  for (const Sizes& s : sizes) {
    RunInput run;
    for (const auto& [symbol, size] : s) absl::StrAppend(&run.name, symbol, "=", size, " ");
    for (const Feed& feed : program.feeds) {
      run.feeds.push_back(MakeValues(feed.dtype, ShapeOf(feed, s), feed.fill, random));
    }
    for (const auto& [name, feed] : program.variables) {
      run.variables[name] = MakeValues(feed.dtype, ShapeOf(feed, s), feed.fill, random);
    }
    result.runs.push_back(std::move(run));
  }
  result.make = [program](mlir::MLIRContext& context, const RunInput* concrete) {
    Sizes known;
    for (size_t i = 0; concrete != nullptr && i < program.feeds.size(); ++i) {
      for (size_t d = 0; d < program.feeds[i].dims.size(); ++d) {
        known[program.feeds[i].dims[d]] = concrete->feeds[i].dims()[d];
      }
    }
    return MakeModule(program, context, known);
  };
  return result;
}

}  // namespace stator::tests
