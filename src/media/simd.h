/* For media/ and redact/: compiles a hot loop once for each generation of processor; the loader picks the right one.
 *
 * The levels are chosen by what the processor can do; names such as "haswell" would be by its model, and leave out AMD.
 * Only gcc on x86-64: clang 14 lacks these names, and the sanitizers run before the loader has chosen. Loops marked so
 * must be correct without it. */
#ifndef OBSCURA_MEDIA_SIMD_H
#define OBSCURA_MEDIA_SIMD_H

#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SIMD_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#else
#define SIMD_CLONES
#endif

#endif
