// The generated types of proto/tollgate/v1 under the names that the code uses.
#pragma once

#include "tollgate/v1/estate.pb.h"
#include "tollgate/v1/fees.pb.h"
#include "tollgate/v1/records.pb.h"

namespace tollgate {
namespace v1 = ::tollgate::v1;
}  // namespace tollgate
