// PatternIndex: (URI, match) -> T*, and all or the best T for a concrete URI. Guarded by its owner.
//
// Exact ones are a hash, prefixes a radix trie over bytes, wildcards a trie over components, so
// that matching costs as much as the URI is long, however many patterns do not match (P-15 … P-17,
// R-10 … R-12). T needs a std::string `uri` that outlives its entry.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "kernel/base/text_hash.hpp"
#include "kernel/message/code.hpp"

namespace nexus {

template <typename T>
class PrefixTrie {
 public:
  T* find(std::string_view uri) const {
    const Node* node = &root_;
    while (!uri.empty()) {
      node = node->child(uri);
      if (node == nullptr || !uri.starts_with(node->label)) return nullptr;
      uri.remove_prefix(node->label.size());
    }
    return node->value;
  }

  void insert(std::string_view uri, T* value) {
    Node* node = &root_;
    while (!uri.empty()) {
      const size_t at = node->position(uri[0]);
      if (at == node->children.size() || node->children[at]->label[0] != uri[0]) {
        auto leaf = std::make_unique<Node>();
        leaf->label = uri;
        leaf->value = value;
        node->children.insert(node->children.begin() + static_cast<ptrdiff_t>(at), std::move(leaf));
        return;
      }
      Node* child = node->children[at].get();
      size_t common = 1;
      const size_t longest = std::min(uri.size(), child->label.size());
      while (common < longest && uri[common] == child->label[common]) ++common;
      if (common < child->label.size()) {
        auto upper = std::make_unique<Node>();
        upper->label = child->label.substr(0, common);
        std::unique_ptr<Node> lower = std::move(node->children[at]);
        lower->label.erase(0, common);
        upper->children.push_back(std::move(lower));
        node->children[at] = std::move(upper);
        child = node->children[at].get();
      }
      node = child;
      uri.remove_prefix(common);
    }
    node->value = value;
  }

  void erase(std::string_view uri) { erase_below(root_, uri); }

  // fn(T*) for every stored prefix of `uri`, shortest first.
  template <typename Fn>
  void match(std::string_view uri, Fn&& fn) const {
    const Node* node = &root_;
    while (true) {
      if (node->value != nullptr) fn(node->value);
      if (uri.empty()) return;
      node = node->child(uri);
      if (node == nullptr || !uri.starts_with(node->label)) return;
      uri.remove_prefix(node->label.size());
    }
  }

 private:
  struct Node {
    std::string label;
    T* value = nullptr;
    std::vector<std::unique_ptr<Node>> children;  // sorted by the first byte of their label

    size_t position(char first) const {
      const auto at = std::lower_bound(
          children.begin(), children.end(), first, [](const std::unique_ptr<Node>& n, char c) {
            return static_cast<uint8_t>(n->label[0]) < static_cast<uint8_t>(c);
          });
      return static_cast<size_t>(at - children.begin());
    }
    const Node* child(std::string_view uri) const {
      const size_t at = position(uri[0]);
      const bool there = at < children.size() && children[at]->label[0] == uri[0];
      return there ? children[at].get() : nullptr;
    }
  };

  static void erase_below(Node& node, std::string_view uri) {
    if (uri.empty()) {
      node.value = nullptr;
      return;
    }
    const size_t at = node.position(uri[0]);
    if (at == node.children.size() || !uri.starts_with(node.children[at]->label)) return;
    Node& child = *node.children[at];
    erase_below(child, uri.substr(child.label.size()));
    if (child.value != nullptr) return;
    if (child.children.empty()) {
      node.children.erase(node.children.begin() + static_cast<ptrdiff_t>(at));
    } else if (child.children.size() == 1) {
      std::unique_ptr<Node> only = std::move(child.children[0]);
      only->label.insert(0, child.label);
      node.children[at] = std::move(only);
    }
  }

  Node root_;
};

template <typename T>
class WildcardTrie {
 public:
  T* find(std::string_view uri) const {
    const Node* node = &root_;
    for (bool last = false; !last;) {
      const std::string_view part = next(uri, last);
      if (part.empty()) {
        node = node->any.get();
      } else {
        const auto at = node->literal.find(part);
        node = at == node->literal.end() ? nullptr : at->second.get();
      }
      if (node == nullptr) return nullptr;
    }
    return node->value;
  }

  void insert(std::string_view uri, T* value) {
    Node* node = &root_;
    for (bool last = false; !last;) {
      const std::string_view part = next(uri, last);
      std::unique_ptr<Node>& child =
          part.empty() ? node->any : node->literal.try_emplace(std::string(part)).first->second;
      if (child == nullptr) child = std::make_unique<Node>();
      node = child.get();
    }
    node->value = value;
  }

  void erase(std::string_view uri) { erase_below(root_, uri, false); }

  // fn(T*) for every stored pattern that matches, the most specific first; fn returns false
  // to stop.
  template <typename Fn>
  bool match(std::string_view uri, Fn&& fn) const {
    return match_below(root_, uri, false, fn);
  }

 private:
  struct Node {
    T* value = nullptr;
    std::unique_ptr<Node> any;
    std::unordered_map<std::string, std::unique_ptr<Node>, TextHash, std::equal_to<>> literal;
    bool empty() const { return value == nullptr && any == nullptr && literal.empty(); }
  };

  // Cuts off the first component; `last` tells that it was the last one.
  static std::string_view next(std::string_view& uri, bool& last) {
    const size_t dot = uri.find('.');
    last = dot == std::string_view::npos;
    const std::string_view part = uri.substr(0, dot);
    uri.remove_prefix(last ? uri.size() : dot + 1);
    return part;
  }

  template <typename Fn>
  static bool match_below(const Node& node, std::string_view uri, bool done, Fn& fn) {
    if (done) return node.value == nullptr || fn(node.value);
    bool last = false;
    const std::string_view part = next(uri, last);
    if (part.empty()) return true;  // a wildcard stands for a component that is not empty
    const auto at = node.literal.find(part);
    if (at != node.literal.end() && !match_below(*at->second, uri, last, fn)) return false;
    return node.any == nullptr || match_below(*node.any, uri, last, fn);
  }

  static void erase_below(Node& node, std::string_view uri, bool done) {
    if (done) {
      node.value = nullptr;
      return;
    }
    bool last = false;
    const std::string_view part = next(uri, last);
    if (part.empty()) {
      if (node.any == nullptr) return;
      erase_below(*node.any, uri, last);
      if (node.any->empty()) node.any.reset();
      return;
    }
    const auto at = node.literal.find(part);
    if (at == node.literal.end()) return;
    erase_below(*at->second, uri, last);
    if (at->second->empty()) node.literal.erase(at);
  }

  Node root_;
};

template <typename T>
class PatternIndex {
 public:
  T* find(std::string_view uri, Match match) const {
    switch (match) {
      case Match::exact: {
        const auto at = exact_.find(uri);
        return at == exact_.end() ? nullptr : *at;
      }
      case Match::prefix:
        return prefix_.find(uri);
      case Match::wildcard:
        return wildcard_.find(uri);
    }
    return nullptr;
  }

  void insert(T* value, Match match) {
    switch (match) {
      case Match::exact:
        exact_.insert(value);
        break;
      case Match::prefix:
        prefix_.insert(value->uri, value);
        break;
      case Match::wildcard:
        wildcard_.insert(value->uri, value);
        break;
    }
  }

  void erase(T* value, Match match) {
    switch (match) {
      case Match::exact:
        exact_.erase(value);
        break;
      case Match::prefix:
        prefix_.erase(value->uri);
        break;
      case Match::wildcard:
        wildcard_.erase(value->uri);
        break;
    }
  }

  // fn(T*) for everything that a concrete URI falls under: exact, prefixes, wildcards.
  template <typename Fn>
  void match_all(std::string_view uri, Fn&& fn) const {
    if (T* exact = find(uri, Match::exact)) fn(exact);
    prefix_.match(uri, fn);
    wildcard_.match(uri, [&fn](T* value) { return fn(value), true; });
  }

  // The one that a call goes to: exact, else the longest prefix, else the best wildcard. A
  // prefix that ends in the middle of a component comes after the wildcards: that is what the
  // specification's example does with a1.b2.c33.d4.e5, which begins with a1.b2.c3.
  T* best(std::string_view uri) const {
    if (T* exact = find(uri, Match::exact)) return exact;
    T* prefix = nullptr;
    prefix_.match(uri, [&prefix](T* value) { prefix = value; });
    if (prefix != nullptr && ends_component(prefix->uri, uri)) return prefix;
    T* wildcard = nullptr;
    wildcard_.match(uri, [&wildcard](T* value) { return wildcard = value, false; });
    return wildcard != nullptr ? wildcard : prefix;
  }

 private:
  static bool ends_component(std::string_view prefix, std::string_view uri) {
    return prefix.empty() || prefix.ends_with('.') || prefix.size() == uri.size() ||
           uri[prefix.size()] == '.';
  }

  // A set, since the key lies in T: there may be a million of them.
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view uri) const { return TextHash{}(uri); }
    size_t operator()(const T* value) const { return (*this)(std::string_view(value->uri)); }
  };
  struct Equal {
    using is_transparent = void;
    static std::string_view uri_of(std::string_view uri) { return uri; }
    static std::string_view uri_of(const T* value) { return value->uri; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return uri_of(a) == uri_of(b);
    }
  };
  std::unordered_set<T*, Hash, Equal> exact_;
  PrefixTrie<T> prefix_;
  WildcardTrie<T> wildcard_;
};

}  // namespace nexus
