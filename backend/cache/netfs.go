package cache

import "fmt"

// networkFS are the file systems that a cache is refused on, by the magic
// number that statfs(2) tells. They lose the two things the cache stands on:
// that what one process wrote is there for the next on the same boot, and that
// the directory is this machine's alone; and most of them are slow. FUSE stands
// for sshfs, s3fs and the like, which can't be told from local ones. Shared-disk
// file systems are refused since another machine may mount them too.
var networkFS = map[uint32]string{
	0x00006969: "NFS",
	0x0000517b: "SMB",
	0xfe534d42: "SMB2",
	0xff534d42: "CIFS",
	0x5346414f: "AFS",
	0x6b414653: "kAFS",
	0x73757245: "Coda",
	0x0000564c: "NCP",
	0x00c36400: "CephFS",
	0x01021997: "9P",
	0x65735546: "FUSE",
	0x0bd00bd0: "Lustre",
	0x47504653: "GPFS",
	0x19830326: "BeeGFS",
	0xaad7aaea: "PanFS",
	0x20030528: "OrangeFS",
	0x786f4256: "VirtualBox shared folder",
	0x01161970: "GFS2",
	0x7461636f: "OCFS2",
}

// checkFS refuses network file systems.
func (c *Cache) checkFS() error {
	magic, err := c.fs.Type(c.o.Dir)
	if err != nil {
		return wrap("statfs", c.o.Dir, err)
	}
	name, network := networkFS[magic]
	if !network {
		return nil
	}
	if c.o.AllowNetworkFS {
		c.o.Log.Warn("cache on a network file system, as configured", "dir", c.o.Dir, "type", name)
		return nil
	}
	return fmt.Errorf("%w: %s is on %s (type %#x); the cache needs a local disk or tmpfs", ErrNetworkFS, c.o.Dir, name, magic)
}
