// Splits a list, counts each part, adds up: something for each of Nextflow's reports.
// With --once FILE the last step fails the first time, and leaves FILE behind.
params.parts = 4
params.once = ''
params.results = 'results'

process SPLIT {
    output: path 'part_*.txt'
    script: "for i in \$(seq ${params.parts}); do seq \$i > part_\$i.txt; done"
}

process COUNT {
    tag "$part.baseName"
    input: path part
    output: path "${part.baseName}.count"
    script: "wc -l < $part > ${part.baseName}.count"
}

process TOTAL {
    publishDir params.results, mode: 'copy'
    input: path counts
    output: path 'total.txt'
    script:
    """
    if [ -n "${params.once}" ] && [ ! -e "${params.once}" ]; then touch "${params.once}"; exit 7; fi
    cat $counts | awk '{ n += \$1 } END { print n }' > total.txt
    """
}

workflow {
    SPLIT()
    COUNT(SPLIT.out.flatten())
    TOTAL(COUNT.out.collect())
}
