// The one place where Boost.JSON's and Boost.URL's sources are compiled.
#include <boost/json/src.hpp>
