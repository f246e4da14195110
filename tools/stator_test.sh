#!/usr/bin/env bash
# Runs the stator binary as a user would.
set -uo pipefail

. "$(dirname "$0")/expect.sh"

python3 - <<'EOF'
import struct

def npy(name, descr, shape, data):
    header = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (descr, shape)
    header += ' ' * (63 - (10 + len(header)) % 64) + '\n'
    with open(name, 'wb') as f:
        f.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode() + data)

npy('x.npy', '<f4', (2, 2), struct.pack('<4f', 1, -2, 3.5, 4))
npy('i.npy', '<i4', (2,), struct.pack('<2i', 1, 2))

placeholder = '''node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } }
  attr { key: "shape" value { shape { dim { size: -1 } dim { size: 2 } } } } }
'''
unary = 'node { name: "%s" op: "%s" input: "%s" attr { key: "T" value { type: DT_FLOAT } } }\n'
binary = ('node { name: "%s" op: "%s" input: "%s" input: "%s" '
          'attr { key: "T" value { type: DT_FLOAT } } }\n')
good = placeholder + unary % ('positive', 'Relu', 'x') + binary % ('sum', 'AddV2', 'positive', 'x')
open('graph.pbtxt', 'w').write(good)
open('unknown.pbtxt', 'w').write(good + unary % ('odd', 'NoSuchOp', 'x'))
open('broken.pbtxt', 'w').write('node { name: ')
EOF

# Manners.
expect 0 'run' "$stator" --help
expect 0 '--fetch' "$stator" run --help
expect 0 'FILE' "$stator" inspect --help
expect 0 '--stage' "$stator" opt --help
expect 0 'schema' "$stator" ops --help
expect 0 'stator 0' "$stator" --version
expect 2 '' "$stator"
expect 2 '' "$stator" fly
expect 2 'nothing to do' "$stator" run graph.pbtxt
expect 2 'TENSOR=FILE' "$stator" run graph.pbtxt --feed x --fetch sum
expect 2 '' "$stator" run missing.pb --fetch sum
expect 2 "gives 'x' twice" "$stator" run graph.pbtxt --feed x=x.npy --feed x=x.npy --fetch sum
expect 2 'SavedModel' "$stator" run graph.pbtxt --feed x=x.npy --fetch sum --signature s
expect 2 '' "$stator" run graph.pbtxt --threads -3 --fetch sum
expect 1 'broken.pbtxt' "$stator" run broken.pbtxt --fetch sum
expect 1 "no node" "$stator" run graph.pbtxt --fetch nothing
expect 1 'NoSuchOp' "$stator" run unknown.pbtxt --fetch odd

# run: compiled and by the reference interpreter.
for how in "" --reference; do
  expect 0 'sum: float\[2, 2\]' "$stator" run graph.pbtxt --feed x=x.npy --fetch sum $how
  [[ $(tail -n 2 out) == $'[[2, -2],\n [7, 8]]' ]] || fail "wrong sum: $(cat out)"
  [[ ! -s err ]] || fail "messages without need: $(cat err)"
  expect 0 'sum:0: float\[2, 2\] -> sum.npy' \
    "$stator" run graph.pbtxt --feed x:0=x.npy --fetch sum:0=sum.npy $how
  expect 0 '^\[\[3, -4\],' "$stator" run graph.pbtxt --feed positive=x.npy --feed x=sum.npy \
    --fetch sum --threads 1 $how
  expect 1 'expected float' "$stator" run graph.pbtxt --feed x=i.npy --fetch sum $how
  "$stator" run graph.pbtxt --feed x=x.npy --fetch sum --fetch positive --json $how >json
  python3 - <<'EOF' || fail "bad JSON: $(cat json)"
import json
r = json.load(open('json'))
assert r['fetches']['sum'] == {'dtype': 'float', 'dims': [2, 2], 'values': [2, -2, 7, 8]}, r
assert r['fetches']['positive']['values'] == [1, 0, 3.5, 4], r
assert r['run_ms'] >= 0, r
EOF
done
expect 0 '' "$stator" run graph.pbtxt --target sum --feed x=x.npy
expect 0 '' "$stator" run graph.pbtxt --feed x=x.npy --fetch sum --trace trace.json
python3 - <<'EOF' || fail "bad trace: $(cat trace.json)"
import json
events = json.load(open('trace.json'))['traceEvents']
assert any('sum' in str(e['args']['nodes']) for e in events), events
EOF
expect 1 '/nowhere/t' "$stator" run graph.pbtxt --feed x=x.npy --fetch sum --trace /nowhere/t

# inspect, opt, ops.
expect 0 '  x: float\[?, 2\]' "$stator" inspect graph.pbtxt
expect 0 'sum = AddV2(positive, x)' "$stator" inspect --nodes graph.pbtxt
expect 0 'odd = NoSuchOp(x).*unknown op' "$stator" inspect --nodes unknown.pbtxt
"$stator" inspect graph.pbtxt --json >json
python3 - <<'EOF' || fail "bad JSON: $(cat json)"
import json
g = json.load(open('json'))
assert g['kind'] == 'graph' and g['num_nodes'] == 3 and 'nodes' not in g, g
assert g['inputs'] == [{'name': 'x', 'dtype': 'float', 'dims': [-1, 2]}], g
assert g['outputs'] == [{'name': 'sum', 'dtypes': ['float']}], g
assert g['unknown_ops'] == [] and g['functions'] == [], g
EOF
"$stator" inspect --nodes --json unknown.pbtxt >json
python3 - <<'EOF' || fail "bad JSON: $(cat json)"
import json
g = json.load(open('json'))
assert g['unknown_ops'] == ['odd'], g
nodes = {n['name']: n for n in g['nodes']}
assert nodes['sum']['op'] == 'AddV2' and nodes['sum']['inputs'] == ['positive', 'x'], g
assert nodes['sum']['known'] and not nodes['odd']['known'], g
EOF
expect 1 'broken.pbtxt' "$stator" inspect broken.pbtxt --json
[[ ! -s out ]] || fail "half a result: $(cat out)"
expect 0 'fuse' "$stator" opt --list
expect 0 'core.add' "$stator" opt graph.pbtxt --feed x --fetch sum --until import
cp out imported.mlir
expect 0 'core.fusion' "$stator" opt imported.mlir
cp out fused.mlir
expect 0 'after simplify' "$stator" opt imported.mlir --stage simplify --print-each
expect 0 '' "$stator" opt graph.pbtxt --feed x --fetch sum
diff out fused.mlir >/dev/null || fail "the stages differ on a graph and on its text"
expect 2 'no stage' "$stator" opt imported.mlir --stage magic
echo 'func.func @main( {' >broken.mlir
expect 1 'broken\|expected\|not the core dialect' "$stator" opt broken.mlir
expect 0 '' "$stator" opt graph.pbtxt --feed x --fetch sum --image graph.image
expect 0 'sum' "$stator" inspect graph.image
"$stator" inspect graph.image --json >json
python3 - <<'EOF' || fail "bad JSON: $(cat json)"
import json
image = json.load(open('json'))
assert image['kind'] == 'image' and image['code_bytes'] > 0, image
entry, = image['entry_points']
feed, fetch = entry['feeds'][0], entry['fetches'][0]
assert (feed['name'], feed['dtype'], feed['dims'][1]) == ('x:0', 'float', 2), feed
assert feed['dims'][0] == image['symbols'][0]['name'] and fetch['dims'] == feed['dims'], entry
assert image['buffers'][feed['buffer']]['kind'] == 'input', image
assert [s['kind'] for s in entry['main']] == ['launch'], entry
assert len(image['kernels']) == 1, image
assert image['target'] == image['targets'][0] and image['target']['arch'], image
assert image['initial_values'] == [] and image['fixed_weights'] == [], image
EOF
head -c 300 graph.image >cut.image
expect 1 '' "$stator" inspect cut.image
expect 0 '^MatMul' "$stator" ops
expect 0 'transpose_a' "$stator" ops MatMul
expect 1 "no op 'Nonsense'" "$stator" ops Nonsense
expect 0 'NAME' "$stator" bench --help
expect 2 '' "$stator" bench
expect 1 'no-such-model' "$stator" bench no-such-model
"$stator" ops --json | python3 -c 'import json, sys; assert len(json.load(sys.stdin)) > 50' ||
  fail "ops --json"

if "$stator" ops >/dev/full 2>err; then fail "a full disk goes unnoticed"; fi

finish
