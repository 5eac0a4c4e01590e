// Random numbers on the device: Philox4x64-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2,
// 3", SC 2011), and what the draws make of its words. The stream's layout is written down in tensorgrad/ops/random.py.
//
// Every kernel takes the stream's position from memory, state = {key, key, first block}, so that a launch can be
// repeated with other numbers. One thread makes whole blocks of four words: 32 bytes, or 8 numbers of 32 bits.
// Compile with -fmad=false: a product that is contracted into a sum would round differently from the CPU's.

typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

struct Block {
    u64 word[4];

    __device__ u32 half(int i) const { return (u32)(word[i >> 1] >> (32 * (i & 1))); }
};

static __device__ Block philox(const u64* state, i64 index) {
    u64 k0 = state[0], k1 = state[1];
    u64 c0 = state[2] + (u64)index, c1 = c0 < state[2], c2 = 0, c3 = 0;
#pragma unroll
    for (int round = 0; round < 10; ++round) {
        const u64 m0 = 0xD2E7470EE14C6C93ULL, m1 = 0xCA5A826395121157ULL;
        u64 high0 = __umul64hi(m0, c0), high1 = __umul64hi(m1, c2);
        u64 next0 = high1 ^ c1 ^ k0, next2 = high0 ^ c3 ^ k1;
        c1 = m1 * c2;
        c3 = m0 * c0;
        c0 = next0;
        c2 = next2;
        k0 += 0x9E3779B97F4A7C15ULL;
        k1 += 0xBB67AE8584CAA73BULL;
    }
    Block out = {{c0, c1, c2, c3}};
    return out;
}

// N values stored at once where all of them belong to the array and lie on a 16-byte boundary.
template <typename T, int N>
struct alignas(16) Pack {
    T value[N];
};

template <typename T, int N>
static __device__ void store(T* out, i64 start, i64 n, const Pack<T, N>& pack) {
    if (start + N <= n && ((u64)(out + start) & 15) == 0) {
        *reinterpret_cast<Pack<T, N>*>(out + start) = pack;
    } else {
        for (int i = 0; i < N && start + i < n; ++i) out[start + i] = pack.value[i];
    }
}

template <typename T, int N>
static __device__ Pack<T, N> load(const T* x, i64 start, i64 n) {
    Pack<T, N> pack;
    if (start + N <= n && ((u64)(x + start) & 15) == 0) {
        pack = *reinterpret_cast<const Pack<T, N>*>(x + start);
    } else {
        for (int i = 0; i < N; ++i) pack.value[i] = start + i < n ? x[start + i] : T(0);
    }
    return pack;
}

#define EACH_BLOCK(per_block, n)                                                  \
    for (i64 block = (i64)blockIdx.x * blockDim.x + threadIdx.x; block * per_block < (n); \
         block += (i64)gridDim.x * blockDim.x)

extern "C" __global__ void random_words(const u64* state, u64* out, i64 n) {
    EACH_BLOCK(4, n) {
        Block b = philox(state, block);
        Pack<u64, 4> pack;
        for (int i = 0; i < 4; ++i) pack.value[i] = b.word[i];
        store(out, block * 4, n, pack);
    }
}

extern "C" __global__ void random_uniform_double(const u64* state, double* out, i64 n) {
    EACH_BLOCK(4, n) {
        Block b = philox(state, block);
        Pack<double, 4> pack;
        for (int i = 0; i < 4; ++i) pack.value[i] = (double)(b.word[i] >> 11) * (1.0 / 9007199254740992.0);
        store(out, block * 4, n, pack);
    }
}

extern "C" __global__ void random_uniform_float(const u64* state, float* out, i64 n) {
    EACH_BLOCK(8, n) {
        Block b = philox(state, block);
        Pack<float, 8> pack;
        for (int i = 0; i < 8; ++i) pack.value[i] = (float)(b.half(i) >> 8) * (1.0f / 16777216.0f);
        store(out, block * 8, n, pack);
    }
}

// Box-Muller: u above 0 gives the radius, v the angle.
static __device__ void normals(double u, double v, double* first, double* second) {
    double radius = sqrt(log(u) * -2.0), angle = v * 6.283185307179586;
    *first = radius * cos(angle);
    *second = radius * sin(angle);
}

extern "C" __global__ void random_normal_double(const u64* state, double* out, i64 n) {
    const double unit = 1.0 / 9007199254740992.0;
    EACH_BLOCK(4, n) {
        Block b = philox(state, block);
        Pack<double, 4> pack;
        for (int i = 0; i < 4; i += 2)
            normals((double)((b.word[i] >> 11) + 1) * unit, (double)(b.word[i + 1] >> 11) * unit, &pack.value[i],
                    &pack.value[i + 1]);
        store(out, block * 4, n, pack);
    }
}

extern "C" __global__ void random_normal_float(const u64* state, float* out, i64 n) {
    const double unit = 1.0 / 4294967296.0;
    EACH_BLOCK(8, n) {
        Block b = philox(state, block);
        Pack<float, 8> pack;
        for (int i = 0; i < 4; ++i) {
            double first, second;
            normals((double)((b.word[i] & 0xFFFFFFFFULL) + 1) * unit, (double)(b.word[i] >> 32) * unit, &first, &second);
            pack.value[2 * i] = (float)first;
            pack.value[2 * i + 1] = (float)second;
        }
        store(out, block * 8, n, pack);
    }
}

extern "C" __global__ void random_keep(const u64* state, unsigned char* out, i64 n, u32 threshold) {
    EACH_BLOCK(8, n) {
        Block b = philox(state, block);
        for (int i = 0; i < 8 && block * 8 + i < n; ++i) out[block * 8 + i] = b.half(i) >= threshold;
    }
}

template <typename T>
static __device__ void dropout(const T* x, const u64* state, T* out, i64 n, u32 threshold, T scale) {
    EACH_BLOCK(8, n) {
        Block b = philox(state, block);
        Pack<T, 8> pack = load<T, 8>(x, block * 8, n);
        for (int i = 0; i < 8; ++i) pack.value[i] = b.half(i) >= threshold ? pack.value[i] * scale : T(0);
        store(out, block * 8, n, pack);
    }
}

extern "C" __global__ void dropout_float(const float* x, const u64* state, float* out, i64 n, u32 threshold, float scale) {
    dropout(x, state, out, n, threshold, scale);
}

extern "C" __global__ void dropout_double(
    const double* x, const u64* state, double* out, i64 n, u32 threshold, double scale) {
    dropout(x, state, out, n, threshold, scale);
}
