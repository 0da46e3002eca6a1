# A boot sector that does what a Linux kernel does in its first instant, and says so on the serial port.
#
# Proves an accelerator by use: a nested KVM can open, create machines and run firmware, and still stop a kernel
# where the kernel first moves itself through memory in long mode. So: long mode under paging, a downward string copy
# of 24 MiB over untouched memory (what a kernel does with itself), a page mapping changed under way, CPUID, the time
# stamp counter, model specific registers, and timer interrupts that wake a halted processor.
# Prints "coffer-long-mode:ok" and leaves through the debug exit port with the value 0x10 (QEMU's status 33).
# Any failed check leaves with a value of its own instead (see `fail` below).
#
# long-mode-probe.ts holds the assembled bytes; a test assembles this file again and compares:
#   as --64 -o probe.o long-mode-probe.S && objcopy -O binary -j .text probe.o probe.bin

.set SERIAL, 0x3f8
.set DEBUG_EXIT, 0xf4
.set PML4, 0x10000                  # page tables: PML4, then PDPT, then one PD of 512 pages of 2 MiB
.set PDPT, 0x11000
.set PD, 0x12000
.set IDT, 0x13000
.set TICKS, 0x14000
.set COPY_FROM, 0x1000000           # 16 MiB
.set COPY_TO, 0x2800000             # 40 MiB
.set COPY_BYTES, 0x1800000          # 24 MiB
.set WINDOW, 0x4000000              # 64 MiB: the page whose mapping changes

.text
.code16
start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %ss
    movw $0x7c00, %sp
    movb $0xff, %al                 # no interrupt line until we ask for one
    outb %al, $0x21
    outb %al, $0xa1

    movw $(PML4 >> 4), %ax          # clear tables, IDT and tick counter: 5 pages from PML4
    movw %ax, %es
    xorw %di, %di
    movw $0x5000 / 4, %cx
    xorl %eax, %eax
    cld
    rep stosl
    movl $(PDPT + 3), %es:0x0000    # present, writable
    movl $(PD + 3), %es:0x1000
    movw $0x2000, %di               # identity map of the first GiB
    movl $0x83, %eax                # present, writable, 2 MiB page
    movw $512, %cx
1:  movl %eax, %es:(%di)
    addl $0x200000, %eax
    addw $8, %di
    loop 1b

    lgdt gdt_pointer - start + 0x7c00
    movl $0x20, %eax                # CR4.PAE
    movl %eax, %cr4
    movl $PML4, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx          # EFER.LME
    rdmsr
    orw $0x100, %ax
    wrmsr
    movl $0x80000011, %eax          # CR0.PG, ET, PE
    movl %eax, %cr0
    ljmpw $8, $(long_mode - start + 0x7c00)

.code64
long_mode:
    movl $16, %eax                  # a flat data segment for all
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $0x7c00, %esp

    movb $1, %bl                    # check 1: EFER says long mode is active
    movl $0xc0000080, %ecx
    rdmsr
    testw $0x400, %ax
    jz fail

    incb %bl                        # check 2: a 64-bit base set by MSR reads back
    movl $0xc0000101, %ecx          # GS base
    movl $0x5a5a5a5a, %eax
    movl $0x1234, %edx
    wrmsr
    xorl %eax, %eax
    rdmsr
    cmpl $0x5a5a5a5a, %eax
    jne fail

    incb %bl                        # check 3: 24 MiB copied downwards
    movl $COPY_FROM, %edi
    movl $COPY_BYTES / 8, %ecx
    movq %rbx, %rax
    rep stosq
    movl $(COPY_FROM + COPY_BYTES - 8), %esi
    movl $(COPY_TO + COPY_BYTES - 8), %edi
    movl $COPY_BYTES / 8, %ecx
    std
    rep movsq
    cld
    movl $COPY_TO, %edi
    movl $COPY_BYTES / 8, %ecx
    repe scasq
    jne fail

    incb %bl                        # check 4: a changed mapping is seen
    movl $(COPY_FROM + 0x83), %eax
    movl $WINDOW, %edi
    movl (%rdi), %edx
    movl %eax, PD + (WINDOW >> 21) * 8
    invlpg (%rdi)
    movb %bl, COPY_FROM
    cmpb %bl, (%rdi)
    jne fail

    incb %bl                        # check 5: the time stamp counter moves on
    xorl %eax, %eax
    pushq %rbx
    cpuid
    popq %rbx
    rdtsc
    movl %eax, %esi
    pause
    rdtsc
    subl %esi, %eax
    jz fail

    movl $(tick - start + 0x7c00), %eax   # IDT entry 0x20: 64-bit interrupt gate, segment 8
    movl $(IDT + 0x20 * 16), %edi
    movw %ax, (%rdi)
    movl $0x8e000008, 2(%rdi)
    movb $0x00, 4(%rdi)
    movb $0x8e, 5(%rdi)
    movw $0, 6(%rdi)
    lidt idt_pointer - start + 0x7c00
    movb $0x11, %al                 # interrupt controller: vectors from 0x20, only the timer
    outb %al, $0x20
    movb $0x20, %al
    outb %al, $0x21
    movb $0x04, %al
    outb %al, $0x21
    movb $0x01, %al
    outb %al, $0x21
    movb $0xfe, %al
    outb %al, $0x21

    incb %bl                        # check 6: three ticks wake a halted processor
    sti
2:  hlt
    cmpb $3, TICKS
    jb 2b
    cli

    movl $(text - start + 0x7c00), %esi
    movl $(text_end - text), %ecx
    movw $SERIAL, %dx
    rep outsb
    movb $0x10, %bl
fail:
    movb %bl, %al
    outb %al, $DEBUG_EXIT
3:  hlt
    jmp 3b

tick:
    incb TICKS
    pushq %rax
    movb $0x20, %al                 # end of interrupt
    outb %al, $0x20
    popq %rax
    iretq

text:
    .ascii "coffer-long-mode:ok\n"
text_end:

    .balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff        # 64-bit code
    .quad 0x00cf93000000ffff        # data
gdt_pointer:
    .word . - gdt - 1
    .long gdt - start + 0x7c00
idt_pointer:
    .word 0x21 * 16 - 1
    .quad IDT

    .org 510
    .word 0xaa55
