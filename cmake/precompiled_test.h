// The same for tests: with GoogleTest and GoogleMock.
#pragma once

#include "cmake/precompiled.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
