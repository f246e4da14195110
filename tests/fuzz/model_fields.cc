#include "tests/fuzz/model_fields.h"

#include <utility>
#include <variant>

namespace stator::fuzz {
namespace {

using namespace executable;  // NOLINT: every table of the plan is named here

class Finder {
 public:
  explicit Finder(ModelFields* out) : out_(*out) {}

  void Model(ImageModel* m) {
    Each(&m->segments, [&](Segment& s) { Ints({&s.device, &s.memory_space}); });
    Each(&m->symbols, [&](Symbol& s) {
      Enum(&s.life);
      Longs({&s.min, &s.max, &s.divisor});
    });
    Each(&m->expressions, [&](Expr& e) {
      Enum(&e.kind);
      Longs({&e.value});
      Ints({&e.lhs, &e.rhs});
    });
    Each(&m->buffers, [&](Buffer& b) { OneBuffer(&b); });
    Each(&m->kernels, [&](Kernel& k) { OneKernel(&k); });
    Each(&m->checks, [&](CheckInfo& c) { Ints({&c.source_node}); });
    Each(&m->blocks, [&](Block& b) {
      Each(&b.waves, [&](Wave& w) {
        Ints({&w.number});
        Each(&w.steps, [&](Step& s) {
          Ints({&s.source_node, &s.device, &s.stream});
          std::visit([&](auto& body) { Body(&body); }, s.body);
        });
      });
    });
    Each(&m->entry_points, [&](EntryPoint& e) { Entry(&e); });
    Ints({&m->num_lists});
    Each(&m->initial_values, [&](StoredTensor& t) { Stored(&t); });
    Each(&m->samples, [&](Sample& s) {
      Ints({&s.entry});
      Each(&s.inputs, [&](StoredTensor& t) { Stored(&t); });
      Each(&s.outputs, [&](StoredTensor& t) { Stored(&t); });
    });
  }

 private:
  void Ints(std::initializer_list<int32_t*> fields) { out_.ints.insert(out_.ints.end(), fields); }
  void Longs(std::initializer_list<int64_t*> fields) {
    out_.longs.insert(out_.longs.end(), fields);
  }
  template <typename E>
  void Enum(E* field) {
    static_assert(sizeof(E) == 1);
    out_.bytes.push_back(reinterpret_cast<uint8_t*>(field));
  }
  void List(std::vector<int32_t>* list) {
    out_.lists.push_back(list);
    for (int32_t& i : *list) Ints({&i});
  }
  template <typename T, typename Fn>
  void Each(std::vector<T>* table, Fn fn) {
    for (T& item : *table) fn(item);
    if (table->empty()) return;
    out_.tables.push_back([table](Random* random) {
      const size_t at = random->Below(table->size());
      const size_t other = random->Below(table->size());
      switch (random->Below(3)) {
        case 0:
          table->erase(table->begin() + static_cast<std::ptrdiff_t>(at));
          return;
        case 1:
          table->push_back(T((*table)[at]));
          return;
        default:
          std::swap((*table)[at], (*table)[other]);
      }
    });
  }

  void OneBuffer(Buffer* b) {
    Enum(&b->dtype);
    Enum(&b->kind);
    List(&b->dims);
    Longs({&b->alignment, &b->constant_offset, &b->constant_size});
    Ints({&b->byte_size, &b->segment, &b->device, &b->first_wave, &b->last_wave, &b->alias_of,
          &b->alias_offset, &b->in_place_of});
  }
  void OneKernel(Kernel* k) {
    Longs({&k->code_offset, &k->code_size});
    Ints({&k->num_scalars, &k->scratch_bytes});
    Each(&k->phases, [&](KernelPhase& p) {
      Longs({&p.entry_offset});
      Ints({&p.grid});
    });
    Each(&k->arguments, [&](KernelArgument& a) {
      Enum(&a.access);
      Ints({&a.may_share});
    });
  }

  void Body(LaunchKernel* s) {
    Ints({&s->kernel, &s->report.bytes, &s->report.flops});
    List(&s->buffers);
    List(&s->scalars);
    List(&s->report.source_nodes);
  }
  void Body(Copy* s) { Ints({&s->source, &s->destination}); }
  void Body(HostCall* s) {
    List(&s->inputs);
    List(&s->outputs);
  }
  void Body(If* s) { Ints({&s->predicate, &s->then_block, &s->else_block}); }
  void Body(While* s) {
    Ints({&s->cond_block, &s->predicate, &s->body_block});
    Each(&s->carried, [&](CarriedPair& p) { Ints({&p.current, &p.next}); });
    Each(&s->loop_symbols, [&](LoopSymbol& l) { Ints({&l.symbol, &l.initial, &l.next}); });
  }
  void Body(CallBlock* s) { Ints({&s->block}); }
  void Body(BindSymbol* s) {
    Ints({&s->symbol, &s->source});
    Longs({&s->element});
  }
  void Body(Alloc* s) { Ints({&s->buffer, &s->bytes}); }
  void Body(Free* s) { Ints({&s->buffer}); }
  void Body(Check* s) { Ints({&s->predicate, &s->check}); }
  void Body(Declared* s) {
    List(&s->inputs);
    List(&s->outputs);
  }
  void Body(UseList* s) {
    Enum(&s->action);
    Ints({&s->list, &s->buffer});
  }

  void OnePort(Port* p) {
    Enum(&p->dtype);
    List(&p->dims);
    Ints({&p->buffer, &p->source_node});
  }
  void OneVariable(Variable* v) {
    Enum(&v->dtype);
    Enum(&v->layout);
    List(&v->read_dims);
    List(&v->write_dims);
    Ints({&v->read_buffer, &v->write_buffer, &v->initialized_buffer, &v->source_node});
    out_.flags.insert(out_.flags.end(), {&v->in_place, &v->partial_write, &v->zero_initialized});
  }
  void Entry(EntryPoint* e) {
    Each(&e->feeds, [&](Port& p) { OnePort(&p); });
    Each(&e->fetches, [&](Port& p) { OnePort(&p); });
    Each(&e->variables, [&](Variable& v) { OneVariable(&v); });
    Each(&e->guards, [&](Guard& g) {
      Ints({&g.lhs, &g.rhs});
      Enum(&g.relation);
    });
    Ints({&e->main_block, &e->init_block});
    List(&e->init_variables);
  }
  void Stored(StoredTensor* t) {
    Enum(&t->dtype);
    Longs({&t->constant_offset, &t->constant_size});
    for (int64_t& dim : t->dims) Longs({&dim});
  }

  ModelFields& out_;
};

void ChangeNumber(const ModelFields& fields, Random* random) {
  switch (random->Below(8)) {
    case 0:
      if (!fields.longs.empty()) *random->Pick(fields.longs) = random->Interesting();
      return;
    case 1:
      if (!fields.longs.empty()) *random->Pick(fields.longs) = *random->Pick(fields.longs);
      return;
    case 2:
      if (!fields.bytes.empty()) {
        *random->Pick(fields.bytes) =
            static_cast<uint8_t>(random->Below(random->OneIn(4) ? 256 : 12));
      }
      return;
    case 3:
      if (!fields.flags.empty()) *random->Pick(fields.flags) ^= true;
      return;
    case 4:
      if (!fields.ints.empty()) {
        *random->Pick(fields.ints) = static_cast<int32_t>(random->Interesting());
      }
      return;
    case 5:
      if (!fields.ints.empty()) *random->Pick(fields.ints) = *random->Pick(fields.ints);
      return;
    default:  // most often another entry of some table
      if (!fields.ints.empty()) {
        *random->Pick(fields.ints) = static_cast<int32_t>(random->Below(random->OneIn(2) ? 6 : 60));
      }
      return;
  }
}

}  // namespace

ModelFields FindFields(ImageModel* model) {
  ModelFields fields;
  Finder(&fields).Model(model);
  return fields;
}

void MutateModel(ImageModel* model, Random* random) {
  ModelFields fields = FindFields(model);
  const size_t changes = 1 + random->Below(4);
  for (size_t i = 0; i < changes; ++i) ChangeNumber(fields, random);
  // Last, since pointers into tables do not survive it.
  if (random->OneIn(4) && !fields.lists.empty()) {
    std::vector<int32_t>* const list = random->Pick(fields.lists);
    if (list->empty() || random->OneIn(2)) {
      list->push_back(static_cast<int32_t>(random->Below(20)));
    } else {
      list->pop_back();
    }
  } else if (random->OneIn(4) && !fields.tables.empty()) {
    random->Pick(fields.tables)(random);
  }
}

}  // namespace stator::fuzz
