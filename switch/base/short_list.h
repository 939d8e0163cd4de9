// A vector whose head is 16 bytes instead of 24: for what is kept by the million.
#pragma once

#include <boost/container/vector.hpp>
#include <cstdint>

namespace tollgate {

template <class T>
using ShortList = boost::container::vector<
    T, void, boost::container::vector_options_t<boost::container::stored_size<std::uint32_t>>>;

}  // namespace tollgate
