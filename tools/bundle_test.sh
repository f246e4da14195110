#!/usr/bin/env bash
# Makes, checks and runs bundles as a user would.
set -uo pipefail

. "$(dirname "$0")/expect.sh"

# y = relu(x w) for any number of rows of 8; w has 8 x 16 elements.
python3 - <<'EOF'
import struct

def npy(name, shape, values):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % (shape,)
    header += ' ' * (63 - (10 + len(header)) % 64) + '\n'
    with open(name, 'wb') as f:
        f.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode())
        f.write(struct.pack('<%df' % len(values), *values))

npy('a.npy', (), [1.5])
npy('b.npy', (), [-2.25])
for rows in (1, 3, 32):
    npy('x%d.npy' % rows, (rows, 8), [((7 * i) % 13 - 6) / 4 for i in range(8 * rows)])
weights = ''.join('\\%03o' % b for b in struct.pack('<128f', *[((5 * i) % 11 - 5) / 8 for i in range(128)]))
dtype = 'attr { key: "%s" value { type: DT_FLOAT } }'
graph = '''
node { name: "x" op: "Placeholder" ''' + dtype % 'dtype' + '''
  attr { key: "shape" value { shape { dim { size: -1 } dim { size: 8 } } } } }
node { name: "w" op: "Const" ''' + dtype % 'dtype' + ''' attr { key: "value" value { tensor {
  dtype: DT_FLOAT tensor_shape { dim { size: 8 } dim { size: 16 } } tensor_content: "''' + weights + '''" } } } }
node { name: "z" op: "MatMul" input: "x" input: "w" ''' + dtype % 'T' + ''' }
node { name: "y" op: "Relu" input: "z" ''' + dtype % 'T' + ''' }
'''
open('graph.pbtxt', 'w').write(graph)
odd = 'node { name: "%s" op: "%s" input: "%s" ' + dtype % 'T' + ' }\n'
open('odd.pbtxt', 'w').write(graph + odd % ('odd', 'NoSuchOp', 'y') + odd % ('even', 'NorThisOne', 'x') +
    'node { name: "both" op: "AddV2" input: "odd" input: "even" ' + dtype % 'T' + ' }\n')
EOF

# One bundle for any number of rows gives the bits of the session.
expect 0 'entry main: 1 inputs, 1 outputs, 1 variables' \
  "$stator" compile graph.pbtxt --feed x --fetch y --sample x=x3.npy -o model.stb
for rows in 1 3 32; do
  "$stator" run graph.pbtxt --feed x=x$rows.npy --fetch y=session.npy >/dev/null || fail "session, $rows rows"
  expect 0 "y: float\[$rows, 16\]" "$stator" run model.stb --feed x=x$rows.npy --fetch y=bundle.npy
  cmp session.npy bundle.npy || fail "bundle and session differ for $rows rows"
done

# verify, inspect, bench.
expect 0 'y:0: float\[3, 16\], equal' "$stator" verify model.stb
mkdir -p inputs && cp x32.npy inputs/x.npy
expect 0 'y:0: float\[32, 16\], equal' "$stator" verify model.stb --against graph.pbtxt --inputs inputs
expect 2 'go together' "$stator" verify model.stb --against graph.pbtxt
expect 0 'y:0: float\[3, 16\], equal' "$stator" verify model.stb --entry main
expect 1 "no entry point 'q'" "$stator" verify model.stb --entry q
expect 0 'variable w: float\[8, 16\], read by main, starts with 512 bytes' "$stator" inspect model.stb
grep -q '^bundle by stator.*: 1 entry point, 2 targets' out && grep -q '^  input x:0: float\[x.0, 8\]' out &&
  grep -q '^  output y:0: float\[x.0, 16\]' out && grep -q '^sample of entry main' out ||
  fail "inspect does not sum up: $(cat out)"
if grep -q 'wave\|kernel' out; then fail "inspect shows a plan that nobody asked for"; fi
expect 0 'wave 0' "$stator" inspect model.stb --plan
expect 0 '"median_ms"' "$stator" bench model.stb --json
if grep -q 'gflops\|cold_compile' out; then fail "bench shows what nobody knows: $(cat out)"; fi
expect 0 'model.stb .* - *-$' "$stator" bench model.stb
expect 0 '' "$stator" compile graph.pbtxt --feed x --fetch y -o plain.stb
# Small weights are weights.
(cat graph.pbtxt; cat) >bias.pbtxt <<'EOF'
node { name: "bias" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "value" value { tensor {
  dtype: DT_FLOAT tensor_shape { dim { size: 8 } } float_val: [1, 2, 3, 4, 5, 6, 7, 8] } } } }
node { name: "same" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "value" value { tensor {
  dtype: DT_FLOAT tensor_shape { dim { size: 8 } } float_val: 3 } } } }
node { name: "biased" op: "AddV2" input: "x" input: "bias" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "sum" op: "AddV2" input: "biased" input: "same" attr { key: "T" value { type: DT_FLOAT } } }
EOF
expect 0 'fixed weight same: ' "$stator" compile bias.pbtxt --feed x --fetch y --fetch sum -o bias.stb
expect 0 'variable bias: float\[8\], .*starts with 32 bytes' "$stator" inspect bias.stb
expect 1 'no sample' "$stator" verify plain.stb
expect 1 'no sample' "$stator" bench plain.stb
expect 0 '"median_ms"' "$stator" bench plain.stb --feed x=x32.npy --json
expect 0 '"median_ms"' "$stator" bench graph.pbtxt --feed x=x32.npy --fetch y --json
expect 2 'needs --fetch' "$stator" bench graph.pbtxt --feed x=x32.npy
expect 0 'fixed weight w: compiled as a constant' "$stator" compile graph.pbtxt --feed x --fetch y --fixed-weights -o fixed.stb

expect 0 '' "$stator" run model.stb --feed x=x3.npy --fetch y --trace trace.json
grep -q 'MatMul\|"z"\|contraction' trace.json || fail "no kernel in the trace of a bundle"

# A SavedModel's signature, with the values that its checkpoint has under other names. The number is
# TensorFlow's.
if [[ -d ${STATOR_TEST_DATA:-} ]]; then
  folder=$STATOR_TEST_DATA/tf_core_testdata/cc/saved_model/testdata/VarsAndArithmeticObjectGraph
  expect 0 'entry main: 2 inputs, 1 outputs, 3 variables' "$stator" compile "$folder" --signature serving_default -o saved.stb
  expect 0 '^4.7916665$' "$stator" run saved.stb --feed a=a.npy --feed b=b.npy --fetch output_0
  expect 0 'variable child_variable: .*starts with' "$stator" inspect saved.stb
  # Folders are taken as they are, too.
  expect 0 '^4.7916665$' "$stator" run "$folder" --signature serving_default --feed a=a.npy --feed b=b.npy
  expect 2 'there are: .*serving_default' "$stator" run "$folder" --feed a=a.npy
  expect 2 'a SavedModel has --signature' "$stator" run "$folder" --entry main
  expect 0 '"cold_compile_ms"' "$stator" bench "$folder" --signature serving_default --feed a=a.npy --feed b=b.npy --json
  expect 0 'signature serving_default:' "$stator" inspect "$folder"
  grep -q '^  input a: ' out && grep -q '^  output output_0: ' out || fail "inspect does not show signatures: $(cat out)"
  "$stator" inspect "$folder" --json >json
  python3 -c 'import json
s, = [s for s in json.load(open("json"))["signatures"] if s["name"] == "serving_default"]
assert [i["name"] for i in s["inputs"]] == ["a", "b"], s' || fail "inspect --json: no signatures"
  mkdir -p scalars && cp a.npy b.npy scalars
  expect 0 'output_0: float\[\], equal' "$stator" verify saved.stb --against "$folder" --signature serving_default --inputs scalars
  expect 1 'there are: ' "$stator" compile "$folder" --signature none -o no.stb
else
  echo "skipped: the SavedModel, which STATOR_TEST_DATA would name"
fi

# Strings have no place in a sample.
(cat graph.pbtxt; cat) >strings.pbtxt <<'EOF'
node { name: "n" op: "Const" attr { key: "dtype" value { type: DT_STRING } }
  attr { key: "value" value { tensor { dtype: DT_STRING tensor_shape { } string_val: "a" } } } }
EOF
expect 0 '' "$stator" compile strings.pbtxt --fetch n -o strings.stb
expect 1 'samples hold numbers' "$stator" compile strings.pbtxt --fetch n --feed x --sample x=x3.npy -o no.stb

# Same input, same bytes; what is stripped names no node.
expect 0 '' "$stator" compile graph.pbtxt --feed x --fetch y --strip -o a.stb
expect 0 '' "$stator" compile graph.pbtxt --feed x --fetch y --strip -o b.stb
cmp a.stb b.stb || fail "two compiles differ"
grep -q 'MatMul' plain.stb || fail "an ordinary bundle names its nodes' ops"
if grep -q 'MatMul' a.stb; then fail "a stripped bundle names a node's op"; fi
# Neither sizes that a run finds nor weights that it folded keep a node's name.
cat >where.pbtxt <<'EOF'
node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_BOOL } }
  attr { key: "shape" value { shape { dim { size: -1 } } } } }
node { name: "secret_layer" op: "Where" input: "x" attr { key: "T" value { type: DT_BOOL } } }
node { name: "y" op: "Identity" input: "secret_layer" attr { key: "T" value { type: DT_INT64 } } }
EOF
expect 0 '' "$stator" compile where.pbtxt --feed x --fetch y -o named.stb
grep -q 'secret_layer' named.stb || fail "an ordinary bundle names its nodes"
expect 0 '' "$stator" compile where.pbtxt --feed x --fetch y --strip -o stripped.stb
if grep -q 'secret_layer' stripped.stb; then fail "a stripped bundle names a node"; fi

# All targets are shown, and which of them would run here; without --fetch all results.
expect 0 'target x86-64-v3: runs on this machine' "$stator" inspect model.stb
grep -q 'target x86-64-v4: ' out || fail "inspect does not show all targets"
expect 0 'y:0: float\[3, 16\]' "$stator" run model.stb --feed x=x3.npy

# Named and bounded dimensions.
expect 0 '' "$stator" compile graph.pbtxt --feed x --fetch y --symbol 'x:0[0]=rows,2..16' -o bounded.stb
expect 0 '  symbol rows: 2..16, dimension 0 of x:0' "$stator" inspect bounded.stb
expect 0 '' "$stator" compile graph.pbtxt --feed x --fetch y --symbol 'x:0[0]=rows,2..' -o open.stb
expect 0 '  symbol rows: 2.., dimension 0 of x:0' "$stator" inspect open.stb
expect 0 '' "$stator" run open.stb --feed x=x32.npy --fetch y
expect 1 'rows' "$stator" run open.stb --feed x=x1.npy --fetch y
expect 1 "'min' cannot name a dimension: the word is reserved" \
  "$stator" compile graph.pbtxt --feed x --fetch y --symbol 'x:0[0]=min' -o no.stb
expect 0 '' "$stator" run bounded.stb --feed x=x3.npy --fetch y
expect 1 'rows' "$stator" run bounded.stb --feed x=x32.npy --fetch y
expect 2 'TENSOR\[DIM\]=NAME' "$stator" compile graph.pbtxt --feed x --fetch y --symbol x=rows -o no.stb
expect 1 'name the same dimension' "$stator" compile graph.pbtxt --feed x --fetch y --symbol 'x:0[0]=rows' --symbol 'x:0[0]=lines' -o no.stb
expect 2 'no entry point is fed' "$stator" compile graph.pbtxt --feed x --fetch y --symbol 'q:0[0]=rows' -o no.stb
expect 1 'is not unknown' "$stator" compile graph.pbtxt --feed x --fetch y --symbol 'x:0[1]=rows' -o no.stb
expect 1 'has 2 dimensions' "$stator" compile graph.pbtxt --feed x --fetch y --symbol 'x:0[2]=rows' -o no.stb

# Several entry points share the weights.
expect 0 'entry raw' "$stator" compile graph.pbtxt --entry 'main feed=x fetch=y' --entry 'raw feed=x fetch=z' -o two.stb
expect 0 'z: float\[3, 16\]' "$stator" run two.stb --entry raw --feed x=x3.npy --fetch z
expect 1 'there are: main, raw' "$stator" run two.stb --entry none --feed x=x3.npy --fetch z
expect 0 'variable w: float\[8, 16\], read by main, raw, starts' "$stator" inspect two.stb
[[ $("$stator" inspect two.stb --plan | grep -c 'initial value w') == 1 ]] || fail "weights are stored twice"
expect 0 '' "$stator" compile graph.pbtxt --entry 'one feed=x fetch=y' --entry 'raw feed=x fetch=z' -o named.stb
expect 2 'has 2 entry points; choose with --entry: one, raw' "$stator" run named.stb --feed x=x3.npy
expect 1 "'raw' has no sample" "$stator" verify named.stb --entry raw
# Symbols of the same name belong to their entry points.
(cat graph.pbtxt; cat) >both.pbtxt <<'EOF'
node { name: "v" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } }
  attr { key: "shape" value { shape { dim { size: -1 } dim { size: 8 } } } } }
node { name: "u" op: "Relu" input: "v" attr { key: "T" value { type: DT_FLOAT } } }
EOF
expect 0 '' "$stator" compile both.pbtxt --entry 'one feed=x fetch=y' --entry 'other feed=v fetch=u' \
  --symbol 'x:0[0]=rows,1..4' --symbol 'v:0[0]=rows,1..8' -o both.stb
expect 0 '' "$stator" inspect both.stb
[[ $(sed -n '/^entry one:/,/^entry other:/p' out | grep -c '  symbol rows: 1..4, dimension 0 of x:0') == 1 &&
  $(sed -n '/^entry other:/,$p' out | grep -c '  symbol rows: 1..8, dimension 0 of v:0') == 1 ]] ||
  fail "inspect does not tell symbols apart: $(cat out)"
"$stator" inspect both.stb --json >json
python3 -c 'import json
one, other = json.load(open("json"))["entry_points"]
assert one["symbols"] == [{"feed": "x:0", "dim": 0, "name": "rows", "life": "input", "min": 1, "max": 4, "divisor": 1}], one
assert other["symbols"][0]["max"] == 8, other' || fail "inspect --json: symbols of entry points"

# Weights in a file of their own.
expect 0 'ext.stb.weights' "$stator" compile graph.pbtxt --feed x --fetch y --weights external -o ext.stb
expect 0 '' "$stator" run ext.stb --feed x=x32.npy --fetch y=bundle.npy
"$stator" run model.stb --feed x=x32.npy --fetch y=embedded.npy >/dev/null
cmp embedded.npy bundle.npy || fail "external weights give other results"
expect 0 'variable w: float\[8, 16\], .*starts with 512 bytes' "$stator" inspect ext.stb
mv ext.stb.weights away
expect 1 'ext.stb.weights' "$stator" inspect ext.stb
expect 1 'ext.stb.weights' "$stator" run ext.stb --feed x=x32.npy --fetch y

# An object that needs no library.
expect 0 'obj.h' "$stator" compile graph.pbtxt --feed x --fetch y --emit object,header --target x86-64-v3 -o obj.stb
[[ -s obj.o && -s obj.h && ! -e obj.stb ]] || fail "--emit object,header writes other files"
[[ -z $(nm -u obj.o) ]] || fail "the object needs: $(nm -u obj.o)"
expect 2 '' "$stator" compile graph.pbtxt --feed x --fetch y --emit tape -o no.stb
expect 2 'external is for bundles' "$stator" compile graph.pbtxt --feed x --fetch y --weights external --emit object -o no.stb
# Names that the generated class uses itself.
sed 's/"x"/"lay_out"/; s/"y"/"Layout"/; s/"z"/"x_size"/' graph.pbtxt | sed 's/input: "x"/input: "lay_out"/; s/input: "z"/input: "x_size"/' >names.pbtxt
expect 0 '' "$stator" compile names.pbtxt --entry 'init_layout feed=lay_out fetch=Layout,x_size' --symbol 'lay_out:0[0]=steps' --emit object,header --target x86-64-v3 -o names.stb
c++ -std=c++17 -Wall -Wextra -Werror -fsyntax-only -x c++ names.h || fail "a header with odd names does not compile"

# All that cannot be compiled, at once.
expect 1 '2 problems' "$stator" compile odd.pbtxt --feed x --fetch both --check
grep -q "'odd'" out && grep -q "'even'" out || fail "not all problems are listed: $(cat out)"
(cat graph.pbtxt; cat) >calls.pbtxt <<'EOF'
library { function {
  signature { name: "f" input_arg { name: "a" type: DT_FLOAT } output_arg { name: "r" type: DT_FLOAT } }
  node_def { name: "odd" op: "NoSuchOp" input: "a" attr { key: "T" value { type: DT_FLOAT } } }
  node_def { name: "even" op: "NorThisOne" input: "odd:y:0" attr { key: "T" value { type: DT_FLOAT } } }
  ret { key: "r" value: "even:y:0" } } }
node { name: "call" op: "f" input: "y" }
EOF
expect 1 '2 problems' "$stator" compile calls.pbtxt --feed x --fetch call --check
grep -q "'f', node 'odd' (op NoSuchOp)" out && grep -q "node 'even'" out ||
  fail "not all problems of a function are listed: $(cat out)"
expect 0 'all nodes can be compiled' "$stator" compile graph.pbtxt --feed x --fetch y --check
# What only code generation and planning refuse: each node once, however many fuse, equal ones too.
python3 - <<'EOF'
def node(name, op, inputs, **types):
    attrs = ''.join(' attr { key: "%s" value { type: DT_%s } }' % item for item in types.items())
    return 'node { name: "%s" op: "%s"%s%s }\n' % (name, op, ''.join(' input: "%s"' % i for i in inputs), attrs)
shape = ' attr { key: "shape" value { shape { dim { size: -1 } dim { size: 2 } } } } }\n'
text = node('c', 'Placeholder', [], dtype='COMPLEX64')[:-3] + shape
text += node('f', 'Placeholder', [], dtype='FLOAT')[:-3] + shape
text += node('p', 'Const', [], dtype='INT32')[:-3] + (
    ' attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: [1, 0] } } } }\n')
text += node('turned', 'Transpose', ['c', 'p'], T='COMPLEX64', Tperm='INT32')
text += node('sum', 'AddV2', ['c', 'c'], T='COMPLEX64') + node('product', 'Mul', ['sum', 'c'], T='COMPLEX64')
text += node('first', 'AddV2', ['product', 'sum'], T='COMPLEX64') + node('fine', 'Relu', ['f'], T='FLOAT')
text += node('odd', 'NoSuchOp', ['product'], T='COMPLEX64')
text += node('small', 'Cast', ['f'], SrcT='FLOAT', DstT='FLOAT8_E5M2')
open('complex.pbtxt', 'w').write(text)
EOF
expect 1 '5 problems' "$stator" compile complex.pbtxt --feed c --feed f --fetch turned --fetch first --fetch fine --check
for name in "'c' (op Placeholder)" "'turned' (op Transpose)" "'sum' (op AddV2)" "'product' (op Mul)" "'first' (op AddV2)"; do
  [[ $(grep -c "^main: node $name: cannot be compiled yet: .*complex64" out) == 1 ]] || fail "$name is not listed: $(cat out)"
done
expect 1 '6 problems' "$stator" compile complex.pbtxt --feed c --feed f --fetch turned --fetch odd --fetch small --check
grep -q "node 'odd'.*not supported" out && grep -q "node 'small'" out && grep -q "node 'product'.*complex64" out ||
  fail "not all problems are listed: $(cat out)"
grep -v NoSuchOp complex.pbtxt >known.pbtxt
expect 1 "node 'sum' (op AddV2): cannot be compiled yet" "$stator" compile known.pbtxt --feed c --fetch sum -o no.stb
if grep -q 'loc(' err; then fail "a message for those who know MLIR: $(cat err)"; fi
expect 1 '2 problems' "$stator" compile complex.pbtxt --fetch turned --fetch fine --check

# Mistakes.
expect 2 'nothing to compile' "$stator" compile graph.pbtxt -o no.stb
expect 1 "'x'.*add it to its feeds" "$stator" compile graph.pbtxt --fetch y -o no.stb
mkfifo pipe
expect 1 'pipe: is no regular file' "$stator" compile graph.pbtxt --feed x --fetch y -o pipe
[[ -p pipe ]] || fail "what is no file was replaced"
expect 2 'give -o' "$stator" compile graph.pbtxt --feed x --fetch y
expect 2 'x86-64-v3 twice' "$stator" compile graph.pbtxt --feed x --fetch y --target x86-64-v3,x86-64-v3 -o no.stb
expect 2 "--feed gives 'x:0' twice" "$stator" run model.stb --feed x=x3.npy --feed x:0=x3.npy
expect 1 'fly' "$stator" compile graph.pbtxt --feed x --fetch y --target fly -o no.stb
expect 1 "'x:0' was not given" "$stator" run model.stb --fetch y
expect 1 "no input 'q'" "$stator" run model.stb --feed q=x3.npy --fetch y
expect 1 "no output 'q'" "$stator" run model.stb --feed x=x3.npy --fetch q
head -c 5000 model.stb >cut.stb
expect 1 'cut.stb' "$stator" run cut.stb --feed x=x3.npy --fetch y
[[ ! -e no.stb ]] || fail "a failed compile leaves a file"

finish
