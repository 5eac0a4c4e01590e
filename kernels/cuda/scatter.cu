// array[ids] += values where ids repeat: deterministic, in the order the values come in, without atomics.
//
// The launcher sorts the ids stably. The thread that stands at the first of a run of equal ids adds up the whole run,
// one column of the rows each; all others leave. So a result does not depend on timing, and equals NumPy's add.at.

typedef long long i64;
typedef unsigned long long u64;  // integers add up modulo 2^64, whatever their sign

template <typename T>
static __device__ void scatter_add(
    const i64* ids, const i64* order, const T* values, T* out, i64 count, i64 width) {
    const i64 total = count * width;
    for (i64 t = (i64)blockIdx.x * blockDim.x + threadIdx.x; t < total; t += (i64)gridDim.x * blockDim.x) {
        const i64 first = t / width, column = t - first * width, id = ids[first];
        if (first > 0 && ids[first - 1] == id) continue;
        T sum = out[id * width + column];
        for (i64 k = first; k < count && ids[k] == id; ++k) sum += values[order[k] * width + column];
        out[id * width + column] = sum;
    }
}

extern "C" __global__ void scatter_add_float(
    const i64* ids, const i64* order, const float* values, float* out, i64 count, i64 width) {
    scatter_add(ids, order, values, out, count, width);
}

extern "C" __global__ void scatter_add_double(
    const i64* ids, const i64* order, const double* values, double* out, i64 count, i64 width) {
    scatter_add(ids, order, values, out, count, width);
}

extern "C" __global__ void scatter_add_int(
    const i64* ids, const i64* order, const u64* values, u64* out, i64 count, i64 width) {
    scatter_add(ids, order, values, out, count, width);
}
