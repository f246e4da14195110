#include "data/digit_sketches.h"

#include <array>

namespace stator::data {
namespace {

using Handwritings = std::vector<Sketch>;

constexpr bool kCurve = true;
constexpr bool kLines = false;

// clang-format off
const std::array<Handwritings, 10>& AllSketches() {
  static const auto* const sketches = new std::array<Handwritings, 10>{
      Handwritings{  // 0: round; narrow; not quite closed
          {{kCurve, {{.50f, .05f}, {.22f, .20f}, {.14f, .50f}, {.22f, .80f}, {.50f, .95f},
                     {.78f, .80f}, {.86f, .50f}, {.78f, .20f}, {.50f, .05f}}}},
          {{kCurve, {{.55f, .05f}, {.36f, .18f}, {.26f, .50f}, {.32f, .84f}, {.48f, .95f},
                     {.66f, .82f}, {.74f, .48f}, {.68f, .16f}, {.55f, .05f}}}},
          {{kCurve, {{.66f, .10f}, {.36f, .10f}, {.16f, .40f}, {.20f, .76f}, {.46f, .94f},
                     {.76f, .80f}, {.84f, .44f}, {.70f, .14f}, {.52f, .12f}}}}},
      Handwritings{  // 1: a bar; with a flag; with flag and foot; slanted
          {{kLines, {{.50f, .05f}, {.50f, .95f}}}},
          {{kLines, {{.30f, .25f}, {.54f, .05f}, {.54f, .95f}}}},
          {{kLines, {{.32f, .24f}, {.52f, .06f}, {.52f, .94f}}},
           {kLines, {{.30f, .94f}, {.74f, .94f}}}},
          {{kLines, {{.62f, .05f}, {.40f, .95f}}}}},
      Handwritings{  // 2: straight foot; looped foot; angular
          {{kCurve, {{.18f, .26f}, {.32f, .08f}, {.58f, .06f}, {.78f, .22f}, {.74f, .44f},
                     {.48f, .70f}, {.16f, .94f}}},
           {kLines, {{.16f, .94f}, {.86f, .92f}}}},
          {{kCurve, {{.20f, .22f}, {.40f, .05f}, {.70f, .12f}, {.76f, .36f}, {.56f, .66f},
                     {.30f, .90f}, {.16f, .86f}, {.24f, .74f}, {.50f, .86f}, {.86f, .92f}}}},
          {{kCurve, {{.22f, .14f}, {.54f, .05f}, {.80f, .18f}, {.72f, .42f}, {.44f, .66f},
                     {.20f, .92f}}},
           {kCurve, {{.20f, .92f}, {.44f, .84f}, {.64f, .94f}, {.84f, .86f}}}}},
      Handwritings{  // 3: round; with a flat top; with a deep waist
          {{kCurve, {{.20f, .16f}, {.46f, .05f}, {.74f, .14f}, {.74f, .36f}, {.44f, .47f}}},
           {kCurve, {{.44f, .47f}, {.76f, .54f}, {.82f, .76f}, {.60f, .94f}, {.34f, .94f},
                     {.16f, .82f}}}},
          {{kLines, {{.20f, .08f}, {.78f, .08f}, {.46f, .40f}}},
           {kCurve, {{.46f, .40f}, {.76f, .48f}, {.82f, .72f}, {.62f, .92f}, {.36f, .95f},
                     {.16f, .84f}}}},
          {{kCurve, {{.24f, .10f}, {.56f, .05f}, {.74f, .24f}, {.58f, .42f}, {.38f, .48f},
                     {.62f, .52f}, {.78f, .70f}, {.62f, .92f}, {.22f, .92f}}}}},
      Handwritings{  // 4: open; closed; with a short bar
          {{kLines, {{.30f, .06f}, {.16f, .58f}, {.86f, .56f}}},
           {kLines, {{.68f, .08f}, {.64f, .95f}}}},
          {{kLines, {{.66f, .95f}, {.66f, .05f}, {.12f, .64f}, {.88f, .64f}}}},
          {{kCurve, {{.24f, .06f}, {.20f, .36f}, {.34f, .54f}, {.70f, .48f}}},
           {kCurve, {{.76f, .05f}, {.70f, .48f}, {.66f, .95f}}}}},
      Handwritings{  // 5: with a cap; in one line; angular
          {{kLines, {{.78f, .08f}, {.28f, .08f}, {.24f, .44f}}},
           {kCurve, {{.24f, .44f}, {.52f, .38f}, {.78f, .52f}, {.80f, .76f}, {.56f, .94f},
                     {.18f, .88f}}}},
          {{kCurve, {{.80f, .06f}, {.50f, .09f}, {.32f, .12f}, {.26f, .40f}, {.54f, .42f},
                     {.78f, .60f}, {.70f, .86f}, {.42f, .95f}, {.16f, .84f}}}},
          {{kLines, {{.24f, .10f}, {.26f, .48f}}},
           {kCurve, {{.26f, .48f}, {.60f, .42f}, {.80f, .64f}, {.66f, .88f}, {.20f, .92f}}},
           {kLines, {{.24f, .10f}, {.82f, .07f}}}}},
      Handwritings{  // 6: curved; steep; with a small loop
          {{kCurve, {{.72f, .06f}, {.40f, .24f}, {.20f, .56f}, {.26f, .84f}, {.52f, .95f},
                     {.78f, .82f}, {.76f, .60f}, {.52f, .50f}, {.24f, .64f}}}},
          {{kCurve, {{.54f, .05f}, {.32f, .36f}, {.22f, .70f}, {.38f, .93f}, {.64f, .90f},
                     {.74f, .70f}, {.56f, .56f}, {.30f, .66f}}}},
          {{kCurve, {{.40f, .05f}, {.24f, .40f}, {.22f, .76f}, {.46f, .95f}, {.72f, .84f},
                     {.70f, .64f}, {.48f, .60f}, {.28f, .76f}}}}},
      Handwritings{  // 7: plain; crossed; with a curved stem; with a serif
          {{kLines, {{.16f, .09f}, {.84f, .08f}, {.42f, .95f}}}},
          {{kLines, {{.18f, .08f}, {.82f, .08f}, {.44f, .95f}}},
           {kLines, {{.34f, .52f}, {.78f, .48f}}}},
          {{kCurve, {{.16f, .12f}, {.48f, .08f}, {.82f, .08f}}},
           {kCurve, {{.82f, .08f}, {.58f, .42f}, {.50f, .95f}}}},
          {{kLines, {{.18f, .26f}, {.18f, .08f}, {.82f, .08f}, {.46f, .94f}}}}},
      Handwritings{  // 8: in one line; two rings; narrow
          {{kCurve, {{.70f, .16f}, {.44f, .05f}, {.24f, .22f}, {.42f, .44f}, {.72f, .62f},
                     {.74f, .86f}, {.48f, .95f}, {.24f, .82f}, {.34f, .58f}, {.64f, .40f},
                     {.74f, .22f}, {.62f, .08f}}}},
          {{kCurve, {{.50f, .05f}, {.28f, .14f}, {.28f, .36f}, {.50f, .46f}, {.72f, .36f},
                     {.72f, .14f}, {.50f, .05f}}},
           {kCurve, {{.50f, .46f}, {.20f, .58f}, {.20f, .84f}, {.50f, .95f}, {.80f, .84f},
                     {.80f, .58f}, {.50f, .46f}}}},
          {{kCurve, {{.52f, .05f}, {.34f, .20f}, {.46f, .44f}, {.66f, .66f}, {.60f, .90f},
                     {.42f, .92f}, {.34f, .72f}, {.52f, .46f}, {.66f, .20f}, {.52f, .05f}}}}},
      Handwritings{  // 9: with a straight stem; curved; with a hook
          {{kCurve, {{.74f, .30f}, {.60f, .08f}, {.34f, .10f}, {.20f, .32f}, {.34f, .50f},
                     {.60f, .48f}, {.74f, .30f}}},
           {kLines, {{.74f, .30f}, {.68f, .95f}}}},
          {{kCurve, {{.76f, .22f}, {.52f, .05f}, {.26f, .18f}, {.28f, .42f}, {.52f, .50f},
                     {.76f, .36f}, {.78f, .50f}, {.64f, .78f}, {.34f, .95f}}}},
          {{kCurve, {{.72f, .24f}, {.50f, .06f}, {.26f, .22f}, {.34f, .46f}, {.62f, .44f},
                     {.74f, .20f}}},
           {kCurve, {{.74f, .20f}, {.76f, .60f}, {.64f, .90f}, {.40f, .95f}, {.22f, .84f}}}}},
  };
  return *sketches;
}
// clang-format on

}  // namespace

const std::vector<Sketch>& SketchesOf(int digit) { return AllSketches()[digit]; }

}  // namespace stator::data
