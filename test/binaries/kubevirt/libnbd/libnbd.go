// SPDX-License-Identifier: Apache-2.0

// Package libnbd takes the place of libnbd's Go binding, which the module proxy does not have. virt-launcher uses it only
// for backups. This one has the names that virt-launcher calls, and each call fails.
package libnbd

import "errors"

// Names of metadata contexts and bits of block states, as in libnbd.h.
const (
	CONTEXT_BASE_ALLOCATION   = "base:allocation"
	CONTEXT_QEMU_DIRTY_BITMAP = "qemu:dirty-bitmap:"

	STATE_HOLE  uint32 = 1 << 0
	STATE_ZERO  uint32 = 1 << 1
	STATE_DIRTY uint32 = 1 << 0
)

var errNotBuiltIn = errors.New("this test build has no libnbd: backups do not work")

type Libnbd struct{}

type LibnbdExtent struct{ Length, Flags uint64 }

type Extent64Callback = func(metacontext string, offset uint64, entries []LibnbdExtent, status *int) int

type PreadOptargs struct{}

type BlockStatus64Optargs struct{}

func Create() (*Libnbd, error) { return nil, errNotBuiltIn }

func (*Libnbd) Close() error { return nil }

func (*Libnbd) AddMetaContext(name string) error { return errNotBuiltIn }

func (*Libnbd) CanMetaContext(name string) (bool, error) { return false, errNotBuiltIn }

func (*Libnbd) ConnectUnix(path string) error { return errNotBuiltIn }

func (*Libnbd) GetSize() (uint64, error) { return 0, errNotBuiltIn }

func (*Libnbd) SetExportName(name string) error { return errNotBuiltIn }

func (*Libnbd) Pread(buffer []byte, offset uint64, optargs *PreadOptargs) error { return errNotBuiltIn }

func (*Libnbd) BlockStatus64(count, offset uint64, extent Extent64Callback, optargs *BlockStatus64Optargs) error {
	return errNotBuiltIn
}
