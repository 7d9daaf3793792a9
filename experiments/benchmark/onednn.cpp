// Forward + BPTT by oneDNN's own primitives, the contract of worker.py: lines of text in, replies out; float32 alone.
// Weights come as a user holds them, so each call brings them into the layouts that the primitives ask for.
// OMP_NUM_THREADS says how many threads. Gates of a GRU stand as (z, r, n) there, (r, z, n) here.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include "dnnl.hpp"

using namespace dnnl;
using Tag = memory::format_tag;
using Arguments = std::unordered_map<int, memory>;

static engine cpu(engine::kind::cpu, 0);
static stream queue(cpu);

static memory::desc desc(std::vector<long> sizes, Tag tag) { return {sizes, memory::data_type::f32, tag}; }

static float *numbers(const memory &m) { return static_cast<float *>(m.get_data_handle()); }

static size_t count(const memory &m) { return m.get_desc().get_size() / sizeof(float); }

static void clear(const memory &m) { memset(m.get_data_handle(), 0, m.get_desc().get_size()); }

// One net: its memories, and what runs it.
struct Net {
  std::string kind;
  long H, B, T, I, G, biases;
  memory x, h_0, W_xh, W_hh, b_h, last, c_0, y, h_T, c_T, dx, dh_0, dc_0, dy, dc_T, dW_xh, dW_hh, db_h;
  primitive forward, backward;
  memory W_xh_forward, W_hh_forward, W_xh_backward, W_hh_backward, dW_xh_backward, dW_hh_backward;
  Arguments of_forward, of_backward;

  Net(std::istream &words) {
    std::string dtype, file;
    words >> kind >> H >> B >> T >> I >> dtype >> file;
    G = kind == "rnn" ? 1 : kind == "lstm" ? 4 : 3;
    biases = kind == "rnn" ? 1 : 4;
    read(file);
    if (kind == "rnn") make_rnn();
    if (kind == "lstm") make_lstm();
    if (kind == "gru") make_gru();
  }

  memory::desc of_x() { return desc({T, B, I}, Tag::tnc); }
  memory::desc of_y() { return desc({T, B, H}, Tag::tnc); }
  memory::desc of_state() { return desc({1, 1, B, H}, Tag::ldnc); }
  memory::desc of_bias() { return desc({1, 1, biases, H}, Tag::ldgo); }
  memory::desc of_W_xh(Tag tag = Tag::any) { return desc({1, 1, I, G, H}, tag); }
  memory::desc of_W_hh(Tag tag = Tag::any) { return desc({1, 1, H, G, H}, tag); }

  void read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    auto next = [&](memory::desc d) {
      memory m(d, cpu);
      file.read(static_cast<char *>(m.get_data_handle()), d.get_size());
      return m;
    };
    x = next(of_x());
    h_0 = next(of_state());
    W_xh = next(of_W_xh(Tag::ldigo));
    W_hh = next(of_W_hh(Tag::ldigo));
    b_h = next(of_bias());
    last = next(of_state());
    for (auto *m : {&W_xh, &W_hh, &b_h}) swap_gates(*m);
    auto zeros = [&](memory::desc d) {
      memory m(d, cpu);
      clear(m);
      return m;
    };
    for (auto *m : {&c_0, &h_T, &c_T, &dh_0, &dc_0, &dc_T}) *m = zeros(of_state());
    dx = zeros(of_x());
    y = zeros(of_y());
    dy = zeros(of_y());
    dW_xh = zeros(of_W_xh(Tag::ldigo));
    dW_hh = zeros(of_W_hh(Tag::ldigo));
    db_h = zeros(of_bias());
  }

  // Swaps the first two gates of each row of weights, of a GRU alone.
  void swap_gates(const memory &m) {
    if (kind != "gru") return;
    long row = (count(m) == size_t(biases * H) ? biases : G) * H;
    for (float *p = numbers(m); p < numbers(m) + count(m); p += row) std::swap_ranges(p, p + H, p + H);
  }

  static constexpr auto TRAINING = prop_kind::forward_training;
  static constexpr auto BACK = prop_kind::backward;
  static constexpr auto ONE_WAY = rnn_direction::unidirectional_left2right;

  void make_rnn() {
    vanilla_rnn_forward::primitive_desc f(cpu, TRAINING, algorithm::eltwise_tanh, ONE_WAY, of_x(), of_state(),
        of_W_xh(), of_W_hh(), of_bias(), of_y(), of_state());
    vanilla_rnn_backward::primitive_desc b(cpu, BACK, algorithm::eltwise_tanh, ONE_WAY, of_x(), of_state(), of_W_xh(),
        of_W_hh(), of_bias(), of_y(), of_state(), of_x(), of_state(), of_W_xh(), of_W_hh(), of_bias(), of_y(),
        of_state(), f);
    bind(f, b);
    forward = vanilla_rnn_forward(f);
    backward = vanilla_rnn_backward(b);
  }

  void make_gru() {
    lbr_gru_forward::primitive_desc f(cpu, TRAINING, ONE_WAY, of_x(), of_state(), of_W_xh(), of_W_hh(), of_bias(),
        of_y(), of_state());
    lbr_gru_backward::primitive_desc b(cpu, BACK, ONE_WAY, of_x(), of_state(), of_W_xh(), of_W_hh(), of_bias(), of_y(),
        of_state(), of_x(), of_state(), of_W_xh(), of_W_hh(), of_bias(), of_y(), of_state(), f);
    bind(f, b);
    forward = lbr_gru_forward(f);
    backward = lbr_gru_backward(b);
  }

  void make_lstm() {
    lstm_forward::primitive_desc f(cpu, TRAINING, ONE_WAY, of_x(), of_state(), of_state(), of_W_xh(), of_W_hh(),
        of_bias(), of_y(), of_state(), of_state());
    lstm_backward::primitive_desc b(cpu, BACK, ONE_WAY, of_x(), of_state(), of_state(), of_W_xh(), of_W_hh(),
        of_bias(), of_y(), of_state(), of_state(), of_x(), of_state(), of_state(), of_W_xh(), of_W_hh(), of_bias(),
        of_y(), of_state(), of_state(), f);
    bind(f, b);
    forward = lstm_forward(f);
    backward = lstm_backward(b);
  }

  static memory like(const memory::desc &d, const memory &m) { return d == m.get_desc() ? m : memory(d, cpu); }

  template <class F, class B> void bind(const F &f, const B &b) {
    memory workspace(f.workspace_desc(), cpu);
    W_xh_forward = memory(f.weights_layer_desc(), cpu);
    W_hh_forward = memory(f.weights_iter_desc(), cpu);
    W_xh_backward = memory(b.weights_layer_desc(), cpu);
    W_hh_backward = memory(b.weights_iter_desc(), cpu);
    dW_xh_backward = like(b.diff_weights_layer_desc(), dW_xh);
    dW_hh_backward = like(b.diff_weights_iter_desc(), dW_hh);
    of_forward = {{DNNL_ARG_SRC_LAYER, x}, {DNNL_ARG_SRC_ITER, h_0}, {DNNL_ARG_WEIGHTS_LAYER, W_xh_forward},
        {DNNL_ARG_WEIGHTS_ITER, W_hh_forward}, {DNNL_ARG_BIAS, b_h}, {DNNL_ARG_DST_LAYER, y}, {DNNL_ARG_DST_ITER, h_T},
        {DNNL_ARG_WORKSPACE, workspace}};
    if (kind == "lstm") of_forward[DNNL_ARG_SRC_ITER_C] = c_0, of_forward[DNNL_ARG_DST_ITER_C] = c_T;
    of_backward = of_forward;
    for (auto [key, m] : Arguments{{DNNL_ARG_WEIGHTS_LAYER, W_xh_backward}, {DNNL_ARG_WEIGHTS_ITER, W_hh_backward},
             {DNNL_ARG_DIFF_SRC_LAYER, dx}, {DNNL_ARG_DIFF_SRC_ITER, dh_0},
             {DNNL_ARG_DIFF_WEIGHTS_LAYER, dW_xh_backward}, {DNNL_ARG_DIFF_WEIGHTS_ITER, dW_hh_backward},
             {DNNL_ARG_DIFF_BIAS, db_h}, {DNNL_ARG_DIFF_DST_LAYER, dy}, {DNNL_ARG_DIFF_DST_ITER, last}})
      of_backward[key] = m;
    if (kind == "lstm") of_backward[DNNL_ARG_DIFF_SRC_ITER_C] = dc_0, of_backward[DNNL_ARG_DIFF_DST_ITER_C] = dc_T;
  }

  static void bring(memory &from, memory &to) {
    if (from != to) reorder(from, to).execute(queue, from, to);
  }

  void run() {
    bring(W_xh, W_xh_forward);
    bring(W_hh, W_hh_forward);
    forward.execute(queue, of_forward);
    bring(W_xh, W_xh_backward);
    bring(W_hh, W_hh_backward);
    for (auto *m : {&dW_xh_backward, &dW_hh_backward, &db_h}) clear(*m);  // the primitive adds to them
    backward.execute(queue, of_backward);
    bring(dW_xh_backward, dW_xh);
    bring(dW_hh_backward, dW_hh);
    queue.wait();
  }

  void write(const std::string &path) {
    for (auto *m : {&dW_xh, &dW_hh, &db_h}) swap_gates(*m);
    std::ofstream file(path, std::ios::binary);
    for (auto *m : {&dW_xh, &dW_hh, &db_h, &dh_0})
      file.write(static_cast<char *>(m->get_data_handle()), m->get_desc().get_size());
  }
};

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

static std::vector<double> timed(Net &net, double warm, double seconds) {
  for (double start = now(); now() < start + warm;) net.run();
  std::vector<double> found;
  for (double start = now(); found.empty() || now() < start + seconds;) {
    double before = now();
    net.run();
    found.push_back(now() - before);
  }
  return found;
}

int main() {
  Net *net = nullptr;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command, name, file;
    words >> command;
    if (command == "load") {
      delete net;
      net = new Net(words);
      std::cout << "default" << std::endl;
    } else if (command == "version") {
      auto v = dnnl_version();
      std::cout << v->major << "." << v->minor << "." << v->patch << std::endl;
    } else if (command == "answer") {
      words >> name >> file;
      double start = now();
      net->run();
      double seconds = now() - start;
      net->write(file);
      std::cout << seconds << std::endl;
    } else {
      double warm, seconds;
      words >> name >> warm >> seconds;
      for (double each : timed(*net, warm, seconds)) std::cout << each << " ";
      std::cout << std::endl;
    }
  }
}
