/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: architectural registers, by their names in the SDM
 *
 * Only for code that sees no Linux header (the root half, and pure code that
 * the guest half compiles too): asm/msr-index.h has other names for the same.
 */
#ifndef CARAPACE_VMX_X86_H
#define CARAPACE_VMX_X86_H

/* CR0 (SDM 3A, 2.5) */
#define CR0_PE		(1ULL << 0)
#define CR0_MP		(1ULL << 1)
#define CR0_EM		(1ULL << 2)
#define CR0_TS		(1ULL << 3)
#define CR0_ET		(1ULL << 4)
#define CR0_NE		(1ULL << 5)
#define CR0_WP		(1ULL << 16)
#define CR0_AM		(1ULL << 18)
#define CR0_NW		(1ULL << 29)
#define CR0_CD		(1ULL << 30)
#define CR0_PG		(1ULL << 31)

/* CR4 */
#define CR4_DE		(1ULL << 3)
#define CR4_PAE		(1ULL << 5)
#define CR4_MCE		(1ULL << 6)
#define CR4_PGE		(1ULL << 7)
#define CR4_OSFXSR	(1ULL << 9)
#define CR4_OSXMMEXCPT	(1ULL << 10)
#define CR4_UMIP	(1ULL << 11)
#define CR4_LA57	(1ULL << 12)
#define CR4_VMXE	(1ULL << 13)
#define CR4_SMXE	(1ULL << 14)
#define CR4_OSXSAVE	(1ULL << 18)
#define CR4_SMEP	(1ULL << 20)
#define CR4_SMAP	(1ULL << 21)
#define CR4_PKE		(1ULL << 22)
#define CR4_KL		(1ULL << 19)
#define CR4_CET		(1ULL << 23)
#define CR4_PKS		(1ULL << 24)
#define CR4_LASS	(1ULL << 27)
#define CR4_FRED	(1ULL << 32)

#define CR3_ADDR_MASK	0x000ffffffffff000ULL

/* RFLAGS */
#define RFLAGS_FIXED	(1ULL << 1)
#define RFLAGS_TF	(1ULL << 8)
#define RFLAGS_IF	(1ULL << 9)
#define RFLAGS_DF	(1ULL << 10)
#define RFLAGS_NT	(1ULL << 14)
#define RFLAGS_RF	(1ULL << 16)

/* EFER */
#define EFER_SCE	(1ULL << 0)
#define EFER_LME	(1ULL << 8)
#define EFER_LMA	(1ULL << 10)
#define EFER_NXE	(1ULL << 11)

/* Exception vectors */
#define VECTOR_DE	0
#define VECTOR_DB	1
#define VECTOR_NMI	2
#define VECTOR_BP	3
#define VECTOR_UD	6
#define VECTOR_DF	8
#define VECTOR_TS	10
#define VECTOR_NP	11
#define VECTOR_SS	12
#define VECTOR_GP	13
#define VECTOR_PF	14
#define VECTOR_AC	17
#define VECTOR_MC	18
#define VECTOR_CP	21

/* Page-table entries, ordinary paging (SDM 3A, 4.5) */
#define PTE_P		(1ULL << 0)
#define PTE_RW		(1ULL << 1)
#define PTE_US		(1ULL << 2)
#define PTE_PWT		(1ULL << 3)
#define PTE_PCD		(1ULL << 4)
#define PTE_A		(1ULL << 5)
#define PTE_D		(1ULL << 6)
#define PTE_PS		(1ULL << 7)
#define PTE_NX		(1ULL << 63)
#define PTE_ADDR_MASK	0x000ffffffffff000ULL

/* MSRs (SDM 4, 2.1) */
#define KVM_WALL_CLOCK			0x011	/* as KVM had them first */
#define KVM_SYSTEM_TIME			0x012
#define IA32_APIC_BASE			0x01b
#define IA32_FEATURE_CONTROL		0x03a
#define IA32_BIOS_UPDT_TRIG		0x079
#define MSR_PLATFORM_INFO		0x0ce
#define IA32_CORE_CAPABILITIES		0x0cf
#define CORE_CAPABILITIES_RAR		BIT_ULL(1)
#define IA32_RAR_CTRL			0x0ed	/* "Remote Action Request" (Intel) */
#define IA32_RAR_INFO			0x0f0
#define MSR_MISC_FEATURES_ENABLES	0x140
#define IA32_SYSENTER_CS		0x174
#define IA32_SYSENTER_ESP		0x175
#define IA32_SYSENTER_EIP		0x176
#define IA32_MISC_ENABLE		0x1a0
#define IA32_DEBUGCTL			0x1d9
#define IA32_MTRR_PHYSBASE0		0x200
#define IA32_MTRR_PHYSMASK0		0x201
#define IA32_MTRR_FIX64K_00000		0x250
#define IA32_MTRR_FIX16K_80000		0x258
#define IA32_MTRR_FIX16K_A0000		0x259
#define IA32_MTRR_FIX4K_C0000		0x268
#define IA32_MTRR_FIX4K_F8000		0x26f
#define IA32_PAT			0x277
#define IA32_MTRR_DEF_TYPE		0x2ff
#define IA32_PERF_CAPABILITIES		0x345
#define PERF_CAPABILITIES_PEBS_FMT	(0xfULL << 8)
#define IA32_PERF_GLOBAL_CTRL		0x38f
#define IA32_PEBS_ENABLE		0x3f1
#define IA32_PEBS_BASE			0x3f4	/* architectural PEBS */
#define IA32_PEBS_INDEX			0x3f5
#define IA32_VMX_BASIC			0x480
#define IA32_VMX_PINBASED_CTLS		0x481
#define IA32_VMX_PROCBASED_CTLS		0x482
#define IA32_VMX_EXIT_CTLS		0x483
#define IA32_VMX_ENTRY_CTLS		0x484
#define IA32_VMX_MISC			0x485
#define IA32_VMX_CR0_FIXED0		0x486
#define IA32_VMX_CR0_FIXED1		0x487
#define IA32_VMX_CR4_FIXED0		0x488
#define IA32_VMX_CR4_FIXED1		0x489
#define IA32_VMX_PROCBASED_CTLS2	0x48b
#define IA32_VMX_EPT_VPID_CAP		0x48c
#define IA32_VMX_TRUE_PINBASED_CTLS	0x48d
#define IA32_VMX_TRUE_PROCBASED_CTLS	0x48e
#define IA32_VMX_TRUE_EXIT_CTLS		0x48f
#define IA32_VMX_TRUE_ENTRY_CTLS	0x490
#define IA32_VMX_VMFUNC			0x491
#define IA32_VMX_PROCBASED_CTLS3	0x492
#define IA32_VMX_EXIT_CTLS2		0x493
#define IA32_DS_AREA			0x600
#define IA32_S_CET			0x6a2
#define IA32_PL3_SSP			0x6a7
#define IA32_INTERRUPT_SSP_TABLE_ADDR	0x6a8
#define IA32_PKRS			0x6e1
#define IA32_X2APIC_ICR			0x830
#define IA32_HW_FEEDBACK_PTR		0x17d0
#define HW_FEEDBACK_SIZE_MAX		(16 * SIZE_4K)

/* MSRs of hypervisors underneath that take addresses */
#define XEN_HYPERCALL			0x40000000
#define HYPERV_HYPERCALL		0x40000001
#define HYPERV_REFERENCE_TSC		0x40000021
#define HYPERV_VP_ASSIST_PAGE		0x40000073
#define HYPERV_SIEFP			0x40000082
#define HYPERV_SIMP			0x40000083
#define XEN_HYPERCALL_VIRIDIAN		0x40000200
#define KVM_WALL_CLOCK_NEW		0x4b564d00
#define KVM_STEAL_TIME			0x4b564d03
#define KVM_MSR_LAST			0x4b564d08

#define IA32_EFER			0xc0000080
#define IA32_STAR			0xc0000081
#define IA32_LSTAR			0xc0000082
#define IA32_CSTAR			0xc0000083
#define IA32_FMASK			0xc0000084
#define IA32_FS_BASE			0xc0000100
#define IA32_GS_BASE			0xc0000101

#define APIC_BASE_BSP			(1ULL << 8)
#define APIC_BASE_EXTD			(1ULL << 10)

#define FEATURE_CONTROL_LOCKED		(1ULL << 0)
#define FEATURE_CONTROL_VMX_OUTSIDE_SMX	(1ULL << 2)

#define S_CET_ENDBR_EN			(1ULL << 2)
#define S_CET_SUPPRESS			(1ULL << 10)
#define S_CET_TRACKER			(1ULL << 11)

#define MISC_ENABLE_XD_DISABLE		(1ULL << 34)

#define MISC_FEATURES_CPUID_FAULT	(1ULL << 0)

/* Memory types (SDM 3A, 12.3) */
#define MEMTYPE_UC	0
#define MEMTYPE_WC	1
#define MEMTYPE_WT	4
#define MEMTYPE_WP	5
#define MEMTYPE_WB	6

#endif /* CARAPACE_VMX_X86_H */
