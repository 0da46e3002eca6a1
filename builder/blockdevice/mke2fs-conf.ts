/**
 * Our own mke2fs.conf, so that a file system is the same whatever host it is made on.
 *
 * Features are those that the GRUB and the kernel of every supported guest read: no metadata_csum_seed, no orphan_file.
 * Blocks are 4096 bytes from 3 MiB on, where mke2fs takes 1024 below 512 MiB: a file system of small blocks stays slow
 * after it has grown with its disk.
 *
 * The inode tables are marked as zeroed, so that the guest's first boot does not have to write zeros over them; the image
 * is new, so its holes are zeros and nothing is written (measured: same space as with lazy initialisation). For the same
 * reason the journal is not written.
 *
 * @param checksums whether ext4 gets metadata checksums at once
 */
export function mke2fsConf({ checksums }: { readonly checksums: boolean }): string {
  return `[defaults]
  base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
  default_mntopts = acl,user_xattr
  enable_periodic_fsck = 0
  blocksize = 4096
  inode_size = 256
  inode_ratio = 16384
  lazy_itable_init = 0
  lazy_journal_init = 1
[fs_types]
  ext3 = {
    features = has_journal
  }
  ext4 = {
    features = has_journal,extent,huge_file,flex_bg,dir_nlink,extra_isize,64bit${checksums ? ',metadata_csum' : ''}
  }
  small = {
    inode_ratio = 4096
  }
  floppy = {
    blocksize = 1024
    inode_ratio = 8192
  }
`
}
