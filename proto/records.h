// The generated types of proto/tollgate/v1, in namespace tollgate::v1.
#pragma once

#include "tollgate/v1/estate.pb.h"
#include "tollgate/v1/fees.pb.h"
#include "tollgate/v1/records.pb.h"
